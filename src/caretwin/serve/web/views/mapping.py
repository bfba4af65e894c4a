"""What codes mean, as the browser gets and says it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from caretwin.serve.web.fields import Text
from caretwin.serve.web.views.board import View

MOST_RULES = 200
"""Rules that are added at once (assumed)."""


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("more than one line")
    return text.strip()


Cell = Annotated[Text, AfterValidator(_one_line)]


class MappingRule(View):
    """A rule that stands in a mapping; an empty field fits everything."""

    source: str
    system: str
    code: str
    unit: str
    channel: str = Field(description='A channel, "ignore", or "" where it waits to be filled in.')
    to_unit: str
    note: str | None = Field(description="May hold an example; null for who may not look through the record.")


class DoorMapping(View):
    """What the codes of a door mean by the site's own rules."""

    door: str
    editable: bool
    why: str = Field(description="Why it cannot be changed here.")
    digest: str | None = Field(description="Of the file as it is now: send it with a change of it.")
    shared: list[str] = Field(description="Other doors that read the same file.")
    rules: list[MappingRule]


class Mappings(View):
    """The mappings of all doors."""

    doors: list[DoorMapping]


class NewRule(BaseModel):
    """What a code means from now on."""

    system: Cell = Field("", max_length=200, description="Empty: of any system.")
    code: Cell = Field(min_length=1, max_length=200)
    unit: Cell = Field("", max_length=100, description="As sent; empty: in any unit.")
    channel: Cell = Field(min_length=1, max_length=100, description='Of the vocabulary, or "ignore".')
    to_unit: Cell = Field("", max_length=100, description="Unit of values that come without one that can be read.")
    note: Cell = Field("", max_length=300)
    only_this_door: bool = Field(False, description="Where several doors read one file: not for the others.")


class AskedTry(BaseModel):
    """Rules to be tried for a door."""

    door: Cell = Field(min_length=1, max_length=200)
    rules: list[NewRule] = Field(min_length=1, max_length=MOST_RULES)


class AskedMapping(AskedTry):
    """Rules to be added; digest: of the file as it was when they were written."""

    digest: str = Field(pattern="^[0-9a-f]{64}$")


class MappedCode(View):
    """What becomes of values that came before their code was mapped."""

    door: str
    code: str = Field(description="System and code, with | between them.")
    unit: str
    channel: str = Field(description='"": its values cannot be converted.')
    channel_unit: str
    values: int
    unusable: int = Field(description="Of them that can never be used.")
    reason: str = Field(description="Why they cannot.")


class MappingPreview(View):
    """What rules would map; nothing is changed."""

    digest: str = Field(description="Of the file as it is now.")
    changes: list[MappedCode]
    values: int
    unusable: int
    left: int = Field(description="Codes that are still to be mapped.")


class MappingDone(View):
    """What rules have mapped; the doors use them since."""

    digest: str = Field(description="Of the file as it is now.")
    doors: list[str] = Field(description="That use the file.")
    values: int = Field(description="How many kept values were said anew.")
    left: int = Field(description="Codes that are still to be mapped.")
