"""Which compartments a drug has and which parameters they need, in the order every array uses.

Amounts are in the drug's dose unit, volumes in L, times in h, whatever the file writes: the reader converts.
"""

from dataclasses import dataclass

ABSORPTIONS = ("none", "first_order")
ELIMINATIONS = ("linear", "michaelis_menten", "mixed")
DOWNSTREAMS = ("none", "effect_site", "metabolite")
RESPONSES = ("none", "sigmoid", "turnover", "coagulation")

DISPOSITION = {1: ("V1",), 2: ("V1", "Q2", "V2"), 3: ("V1", "Q2", "V2", "Q3", "V3")}
ELIMINATION = {"linear": ("CL",), "michaelis_menten": ("VMAX", "KM"), "mixed": ("CL", "VMAX", "KM")}
DOWNSTREAM = {"none": (), "effect_site": ("KE0",), "metabolite": ("FM", "CLM", "VM")}
RESPONSE = {
    "none": (),
    "sigmoid": ("E0", "EMAX", "EC50", "HILL_LOW", "HILL_HIGH"),
    "turnover": ("R0", "KOUT", "EMAX", "EC50", "HILL"),
    "coagulation": ("BASE", "INRMAX", "EC50", "HILL", "MTT_FAST", "MTT_SLOW"),
}
OPTIONAL = ("F1", "F2", "LAG1", "LAG2", "D1", "D2", "PRODUCTION", "DELAY")


@dataclass(frozen=True)
class Structure:
    """The shape of a drug model; hashable, so that it can be the static part of a compiled program.

    compartments   1, 2 or 3 that exchange drug
    absorption     "first_order" adds a depot (input 1); the central compartment is the last input
    elimination    "linear", "michaelis_menten" (VMAX amount/h, KM amount/L) or "mixed" (both)
    downstream     "effect_site": dCe/dt = KE0 (C - Ce); "metabolite": amount, formed at FM CL C, cleared by CLM/VM
    response       what is observed besides a level: "sigmoid" of the effect-site (or plasma) concentration,
                   "turnover" (indirect response: input of R0 KOUT inhibited), "coagulation" (INR by two transit chains)
    optional       those of OPTIONAL that the drug states: fraction, lag and estimated duration of input 1 or 2,
                   endogenous production (amount/h into the central compartment), delay of the effect's monitor (h)
    """

    compartments: int
    absorption: str = "none"
    elimination: str = "linear"
    downstream: str = "none"
    response: str = "none"
    optional: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the individual parameters in array order."""
        absorption = ("KA",) if self.absorption == "first_order" else ()
        return (
            ELIMINATION[self.elimination]
            + DISPOSITION[self.compartments]
            + absorption
            + DOWNSTREAM[self.downstream]
            + RESPONSE[self.response]
            + tuple(name for name in OPTIONAL if name in self.optional)
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Where doses go, in the order of the NONMEM compartment number: ("depot", "central") or ("central",)."""
        return ("depot", "central") if self.absorption == "first_order" else ("central",)

    @property
    def channels(self) -> tuple[str, ...]:
        """What can be observed: the level, then the metabolite's level or the response if there is one."""
        extra = (("metabolite",) if self.downstream == "metabolite" else ()) + (
            ("effect",) if self.response != "none" else ()
        )
        return ("level", *extra)
