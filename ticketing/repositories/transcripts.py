"""What was said on a contact and where it was recorded."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Contact, Recording, Segment
from ticketing.records import RecordingRecord, SegmentRecord
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import ContactId


class TranscriptRepository:
    """Segments and recordings, in the order of the call."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_segments(self, contact: ContactId, segments: Sequence[SegmentRecord]) -> None:
        """Keep finished utterances; one that is already kept is left as it is."""
        if not segments:
            return
        rows = [
            {
                "contact_id": contact,
                "id": segment.id,
                "speaker": segment.speaker,
                "start_ms": segment.start_ms,
                "end_ms": segment.end_ms,
                "text": segment.text,
                "spoken": segment.spoken,
                "words": segment.words,
                "lost": segment.lost,
            }
            for segment in segments
        ]
        kept = insert(self._session, Segment).on_conflict_do_nothing(index_elements=[Segment.contact_id, Segment.id])
        await self._session.execute(kept, rows)

    async def replace_lost(self, contact: ContactId, lost_id: str, segments: Sequence[SegmentRecord]) -> None:
        """Put what was read again from the recording in the place of a stretch that had been lost."""
        await self._session.execute(
            delete(Segment).where(Segment.contact_id == contact, Segment.id == lost_id, Segment.lost)
        )
        await self.add_segments(contact, segments)

    async def lost(self, arrived_since: datetime) -> tuple[tuple[ContactId, SegmentRecord], ...]:
        """The stretches still lost of contacts that arrived since then, oldest contact first."""
        rows = await self._session.execute(
            select(Segment)
            .join(Contact, Contact.id == Segment.contact_id)
            .where(Segment.lost, Contact.arrived_at >= arrived_since)
            .order_by(Contact.arrived_at, Segment.start_ms)
        )
        return tuple((ContactId(row.contact_id), _record(row)) for row in rows.scalars())

    async def segments(self, contact: ContactId) -> tuple[SegmentRecord, ...]:
        """The transcript by time."""
        rows = await self._session.execute(
            select(Segment).where(Segment.contact_id == contact).order_by(Segment.start_ms, Segment.id)
        )
        return tuple(_record(row) for row in rows.scalars())

    async def add_recording(self, contact: ContactId, recording: RecordingRecord) -> None:
        """Tie a sound file to its contact; a file that is tied already gets its final length and size."""
        tied = insert(self._session, Recording).values(
            contact_id=contact,
            kind=recording.kind,
            path=recording.path,
            ms=recording.ms,
            bytes=recording.bytes,
            offset_ms=recording.offset_ms,
        )
        await self._session.execute(
            tied.on_conflict_do_update(
                index_elements=[Recording.path],
                set_={"ms": tied.excluded.ms, "bytes": tied.excluded.bytes, "offset_ms": tied.excluded.offset_ms},
                where=Recording.contact_id == contact,
            )
        )

    async def recordings(self, contact: ContactId) -> tuple[RecordingRecord, ...]:
        """The sound files, earliest first."""
        rows = await self._session.execute(
            select(Recording).where(Recording.contact_id == contact).order_by(Recording.offset_ms, Recording.id)
        )
        return tuple(
            RecordingRecord(kind=row.kind, path=row.path, ms=row.ms, bytes=row.bytes, offset_ms=row.offset_ms)
            for row in rows.scalars()
        )


def _record(row: Segment) -> SegmentRecord:
    return SegmentRecord(
        id=row.id,
        speaker=row.speaker,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        text=row.text,
        spoken=row.spoken,
        words=row.words,
        lost=row.lost,
    )
