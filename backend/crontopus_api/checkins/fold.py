"""Folds a batch of check-ins, in order, into what will be written. Pure: no I/O."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from crontopus_api.checkins.engine import (
    Change,
    Finish,
    Start,
    Status,
    answered_slots,
    on_finish,
    on_start,
    surplus_runs,
)
from crontopus_api.checkins.records import (
    Answer,
    CheckIn,
    LastRun,
    Live,
    Output,
    RunRow,
    Withdrawn,
    absence_id,
)
from crontopus_api.checkins.runs.keeping import joined, kept
from crontopus_api.kit.ids import uuid7

# How long message ids are remembered, and so how old a message may be.
REMEMBERED = timedelta(days=35)
_CLOCK_AHEAD = timedelta(minutes=5)
Key = tuple[UUID, UUID]
"""(instance id, message's or sender's run id)"""


@dataclass
class Fold:
    """`known` are keys seen before, `printed` what was kept of the output of runs that say more now. What is to be
    written gathers in the other fields; `withdrawn` are rows of missed slots that may be stored, and are to be deleted
    if they are. `resumed`: among the runs are some that may be stored already."""

    now: datetime
    known: dict[Key, tuple[UUID, datetime]]
    printed: dict[UUID, Output] = field(default_factory=dict)
    runs: dict[UUID, RunRow] = field(default_factory=dict)
    new_keys: list[tuple[UUID, UUID, UUID, UUID, datetime, datetime]] = field(default_factory=list)
    changes: list[tuple[Live, Change]] = field(default_factory=list)
    withdrawn: list[Withdrawn] = field(default_factory=list)
    resumed: bool = False

    def add(self, check_in: CheckIn, live: Live) -> Answer:
        seen = self.known.get((live.instance_id, check_in.event_id)) if self.known else None
        if seen is not None:
            return Answer(check_in.event_id, "duplicate", seen[0])
        at = min(check_in.at or self.now, self.now + _CLOCK_AHEAD)
        if at < self.now - REMEMBERED:
            return Answer(check_in.event_id, "too_old")
        named = check_in.run_key is not None and (live.instance_id, check_in.run_key) in self.known
        run_id, partition_at = self._run_of(check_in, live, at)
        if not check_in.minted or run_id != check_in.event_id:
            self.resumed = True
        self._remember(check_in, live, run_id, partition_at)
        if check_in.kind == "start":
            self._start(check_in, live, run_id, partition_at, at, ended=named)
        elif check_in.kind == "finish":
            self._finish(check_in, live, run_id, partition_at, at, again=named)
        else:
            self._log(check_in, live, run_id, partition_at, named)
        return Answer(check_in.event_id, "accepted", run_id)

    def _run_of(self, check_in: CheckIn, live: Live, at: datetime) -> tuple[UUID, datetime]:
        """The run a message is about: by the sender's id, else the newest open one, else a new one."""
        if check_in.run_key is not None:
            known = self.known.get((live.instance_id, check_in.run_key))
            if known is not None:
                return known
        elif check_in.kind != "start" and live.status is not None and live.status.open_runs:
            newest = max(live.status.open_runs, key=lambda run: run.started_at)
            return newest.run_id, newest.partition_at
        if check_in.minted:
            return check_in.event_id, at
        return uuid7(at), self._began(check_in, at)

    @staticmethod
    def _began(check_in: CheckIn, at: datetime) -> datetime:
        if check_in.kind == "finish" and check_in.duration_ms is not None:
            return at - timedelta(milliseconds=check_in.duration_ms)
        return at

    def _remember(self, check_in: CheckIn, live: Live, run_id: UUID, partition_at: datetime) -> None:
        """By what else its run may be called; by its own id it is found anyway."""
        for key in (check_in.event_id, check_in.run_key):
            if key is None or key == run_id or (live.instance_id, key) in self.known:
                continue
            self.known[live.instance_id, key] = (run_id, partition_at)
            row = (live.tenant_id, live.instance_id, key, run_id, partition_at, self.now)
            self.new_keys.append(row)

    def _start(
        self,
        check_in: CheckIn,
        live: Live,
        run_id: UUID,
        partition_at: datetime,
        at: datetime,
        *,
        ended: bool,
    ) -> None:
        """`ended`: the sender's run id is known already, so unless the run is open its end came first."""
        run = self._row(check_in, live, run_id, partition_at, "running")
        run.started_at = run.started_at or at
        is_open = self._is_open(live, run_id)
        if ended and not is_open:
            return
        self._last_run(live, run, at)
        if live.status is None or is_open:
            return
        due = self._place(live, live.status, run, at)
        event = Start(run_id, partition_at, at)
        self.changes += [
            (live, change) for change in on_start(live.status, live.expectation, event, self.now)
        ]
        if run.content is not None:
            self._note_printed(live, run_id)
        self._note_slot(live, live.status, run, at, due)
        for lost in surplus_runs(live.status):
            self.resumed = True
            row = self._bare_row(live, lost.run_id, lost.partition_at, "lost", check_in.source)
            row.finished_at = self.now

    def _finish(
        self,
        check_in: CheckIn,
        live: Live,
        run_id: UUID,
        partition_at: datetime,
        at: datetime,
        *,
        again: bool,
    ) -> None:
        """`again`: the sender's run id is known already, so its start, or another end of it, came before."""
        outcome = check_in.outcome or ("failure" if check_in.exit_code else "success")
        run = self._row(check_in, live, run_id, partition_at, outcome)
        run.finished_at, run.exit_code = at, check_in.exit_code
        started = self._started_at(check_in, live, run, at)
        run.started_at = run.started_at or started
        if check_in.duration_ms is not None:
            run.duration_ms = check_in.duration_ms
        elif started is not None:
            run.duration_ms = max(0, int((at - started) / timedelta(milliseconds=1)))
        self._last_run(live, run, started or at)
        if live.status is None:
            return
        counted = again or self._is_open(live, run_id)
        due = None if counted else self._place(live, live.status, run, started or at)
        event = Finish(run_id, at, outcome, check_in.exit_code, started, counted)
        self.changes += [
            (live, change) for change in on_finish(live.status, live.expectation, event, self.now)
        ]
        self._note_slot(live, live.status, run, started or at, due)

    def _place(self, live: Live, status: Status, run: RunRow, at: datetime) -> datetime | None:
        """Before a run at `at` is accounted for: withdraw what says that there was none. Answers the slot due."""
        for slot in answered_slots(status, live.expectation, at, self.now):
            run.slot_at = run.slot_at or slot
            missed = Withdrawn(live.tenant_id, live.instance_id, slot, absence_id(live.instance_id, slot))
            self.withdrawn.append(missed)
        return status.due_at

    @staticmethod
    def _note_slot(live: Live, status: Status, run: RunRow, at: datetime, due: datetime | None) -> None:
        """The slot that was due is the run's if it is due no more; a sender that names one knows better."""
        expected = live.expectation
        if due is None or status.due_at == due or expected.partly_from_last_run:
            return
        if at <= due + expected.grace:
            run.slot_at = run.slot_at or due

    @staticmethod
    def _started_at(check_in: CheckIn, live: Live, run: RunRow, at: datetime) -> datetime | None:
        if live.status is not None:
            for open_run in live.status.open_runs:
                if open_run.run_id == run.id:
                    return open_run.started_at
        if check_in.duration_ms is not None:
            return at - timedelta(milliseconds=check_in.duration_ms)
        return run.started_at

    def _log(self, check_in: CheckIn, live: Live, run_id: UUID, partition_at: datetime, named: bool) -> None:
        """Words without an outcome: kept with the run they belong to, else as a run that counts for nothing."""
        if named or self._is_open(live, run_id):
            self._row(check_in, live, run_id, partition_at, "running")
            return
        row = self._row(check_in, live, run_id, partition_at, "skipped")
        row.message = check_in.message or "a log message outside any run"

    @staticmethod
    def _is_open(live: Live, run_id: UUID) -> bool:
        return live.status is not None and any(run.run_id == run_id for run in live.status.open_runs)

    def _row(self, check_in: CheckIn, live: Live, run_id: UUID, partition_at: datetime, state: str) -> RunRow:
        run = self._bare_row(live, run_id, partition_at, state, check_in.source)
        run.slot_at = check_in.slot_at or run.slot_at
        run.commit_id = check_in.commit_id or run.commit_id
        run.message = check_in.message or run.message
        if check_in.output is not None and (output := kept(live.expectation, check_in.output)) is not None:
            self._print(live, run, output)
        run.host = check_in.host or run.host
        run.environment = check_in.environment or run.environment
        run.metrics = check_in.metrics or run.metrics
        return run

    def _print(self, live: Live, run: RunRow, output: Output) -> None:
        earlier = self.printed.get(run.id)
        if earlier is not None:
            output = joined(live.expectation, earlier, output)
        self.printed[run.id] = output
        run.keep(output)
        self._note_printed(live, run.id)

    @staticmethod
    def _note_printed(live: Live, run_id: UUID) -> None:
        for open_run in live.status.open_runs if live.status is not None else ():
            if open_run.run_id == run_id:
                open_run.printed = True

    def _bare_row(self, live: Live, run_id: UUID, partition_at: datetime, state: str, source: str) -> RunRow:
        run = self.runs.get(run_id)
        if run is None:
            run = RunRow(
                tenant_id=live.tenant_id,
                partition_at=partition_at,
                id=run_id,
                instance_id=live.instance_id,
                job_id=live.job_id,
                endpoint_id=live.endpoint_id,
                state=state,
                source=source,
                loose=live.status is None,
            )
            self.runs[run_id] = run
        elif state != "running":
            run.state = state
        return run

    def _last_run(self, live: Live, run: RunRow, began: datetime) -> None:
        status = live.status
        newest = None if status is None else status.last_seen_at
        if newest is not None and began < newest and not self._is_open(live, run.id):
            return  # a late report: what is shown as the last run is newer
        live.last_run = LastRun(
            run.id, run.state, run.started_at, run.finished_at, run.duration_ms, run.exit_code
        )
