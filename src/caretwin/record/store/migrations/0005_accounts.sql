-- Who may sign in. No secret stands here: of links and of sessions only the SHA-256, of passkeys only the public key.
-- disabled: since when (us), NULL for who may sign in.
CREATE TABLE account (
    id $whole PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created $whole NOT NULL, disabled $whole
);
-- place: roles in the order in which they were given; the first is that of a new session.
CREATE TABLE account_role (
    account $whole NOT NULL, role TEXT NOT NULL, place $whole NOT NULL, PRIMARY KEY (account, role)
) $clustered;
-- Units that an account works at; none: all of the site.
CREATE TABLE account_unit (account $whole NOT NULL, unit TEXT NOT NULL, PRIMARY KEY (account, unit)) $clustered;
-- Whose own record it is, or whose family: for residents and families, who see nobody else.
CREATE TABLE account_person (account $whole NOT NULL, subject $whole NOT NULL, PRIMARY KEY (account, subject)) $clustered;
CREATE INDEX account_person_subject ON account_person (subject);

CREATE TABLE passkey (
    credential $bytes PRIMARY KEY, account $whole NOT NULL, public_key $bytes NOT NULL, sign_count $whole NOT NULL,
    name TEXT NOT NULL, created $whole NOT NULL
);
-- ended: when it was used, or taken back (us); a link is good once.
CREATE TABLE sign_in_link (
    digest $bytes PRIMARY KEY, account $whole NOT NULL, created $whole NOT NULL, ends $whole NOT NULL, ended $whole
);
CREATE TABLE session (
    id $whole PRIMARY KEY, digest $bytes NOT NULL UNIQUE, account $whole NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL,
    created $whole NOT NULL, seen $whole NOT NULL, ends $whole NOT NULL, ended $whole
);
CREATE INDEX session_account ON session (account);
-- Who somebody is for an identity provider (OpenID Connect).
CREATE TABLE oidc_identity (
    issuer TEXT NOT NULL, subject TEXT NOT NULL, account $whole NOT NULL, created $whole NOT NULL,
    PRIMARY KEY (issuer, subject)
);
-- Who looked at somebody who is not theirs, and why; the audit trail has the reason too.
CREATE TABLE break_glass (
    id $whole PRIMARY KEY, account $whole NOT NULL, subject $whole NOT NULL, reason TEXT NOT NULL, given $whole NOT NULL,
    until $whole NOT NULL
);
CREATE INDEX break_glass_subject ON break_glass (subject);

-- Counts every change of who may what, so that every process drops what it remembers.
INSERT INTO meta VALUES ('accounts', '0');
