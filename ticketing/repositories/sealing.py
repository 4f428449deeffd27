"""What repositories seal before it is written and open after it is read: who a citizen is."""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.errors import KeysUnusable
from ticketing.records import TicketRecord
from ticketing.vault import Vault
from ticketing.views import DraftField
from ticketing.vocabulary import FieldName

VAULT = "vault"
"""The session's vault, in its `info`."""

SEALED_FIELDS = (FieldName.CITIZEN_NAME, FieldName.CALLBACK_PHONE)
"""The fields of a draft that say who the citizen is."""

SEALED_WORD = "caller_number"
"""What of a call's events says who called."""

_FIELD = msgspec.json.Decoder(DraftField)


def vault_of(session: AsyncSession) -> Vault:
    """The vault of the database. Raises `KeysUnusable` when it was opened without one."""
    vault = session.info[VAULT]
    if not isinstance(vault, Vault):
        raise KeysUnusable("the database was opened without the key file; identities stay sealed")
    return vault


def opened_ticket(session: AsyncSession, row: dict[str, Any]) -> TicketRecord:
    """A ticket of its columns, its citizen readable."""
    name, phone = row["citizen_name"], row["callback_phone"]
    if name or phone:
        vault = vault_of(session)
        row = {**row, "citizen_name": vault.open(name), "callback_phone": vault.open(phone)}
    return TicketRecord(**row)


def sealed_identity(session: AsyncSession, name: str, phone: str) -> dict[str, Any]:
    """The columns of a ticket that say who the citizen is."""
    if not (name or phone):
        return {"citizen_name": "", "callback_phone": "", "phone_digest": None}
    vault = vault_of(session)
    return {
        "citizen_name": vault.seal(name),
        "callback_phone": vault.seal(phone),
        "phone_digest": vault.digest(phone) if phone else None,
    }


def seal_fields(vault: Vault, fields: dict[FieldName, DraftField]) -> dict[FieldName, DraftField]:
    """The fields of a draft as they are kept."""
    sealed = {
        name: DraftField(value=vault.seal(msgspec.json.encode(fields[name]).decode()))
        for name in SEALED_FIELDS
        if name in fields and fields[name] != DraftField()
    }
    return {**fields, **sealed}


def open_fields(session: AsyncSession, fields: dict[FieldName, DraftField]) -> dict[FieldName, DraftField]:
    """The fields of a draft as they were."""
    kept = {name: fields[name].value for name in SEALED_FIELDS if name in fields and fields[name].value}
    if not kept:
        return fields
    vault = vault_of(session)
    return {**fields, **{name: _FIELD.decode(vault.open(value)) for name, value in kept.items()}}


def seal_event(session: AsyncSession, body: dict[str, Any]) -> dict[str, Any]:
    """A call's event as it is kept."""
    number = body.get(SEALED_WORD)
    return {**body, SEALED_WORD: vault_of(session).seal(number)} if number else body


def open_event(session: AsyncSession, body: dict[str, Any]) -> dict[str, Any]:
    """A call's event as it was."""
    number = body.get(SEALED_WORD)
    return {**body, SEALED_WORD: vault_of(session).open(number)} if number else body
