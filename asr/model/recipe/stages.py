"""The stages of `python -m asr.model.recipe`: the speech model from nothing.

Stages, each resumable: speech (parts), training (checkpoints), graph, measures, artefact. What is already in the work
folder is not made again; delete a file to make it again. A module of its own because processes that multiprocessing
starts do not import a package's `__main__`.
"""

import argparse
import json
import multiprocessing as mp
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from asr.model.recipe import acoustic, artefact, corpus, invented, openfst, site_text, speech
from asr.model.recipe.spent import Spent, cpu_s

PACKAGED_PARTS = 16
INVENTED_PARTS = 16
PARTS = PACKAGED_PARTS + INVENTED_PARTS
UTTERANCES = 1500
SEED = 1
FIRST_SEED = 1000


def main() -> None:
    """Parse the command line and run what is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m asr.model.recipe", description="Make the speech model from nothing."
    )
    parser.add_argument("--site", type=Path, default=Path("ticketing/sites/yuncheng"), help="site pack with places.csv")
    parser.add_argument("--tests", type=Path, default=Path("tests/data/speech"), help="held-out sentences")
    parser.add_argument("--work", type=Path, default=Path(".huying/model"), help="folder of intermediate files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model; replaced")
    parser.add_argument("--fst", type=Path, default=None, help="folder for OpenFst's tools if the system has none")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--voices", type=int, default=1, help="held-out voices that say each test sentence")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    try:
        openfst.find(args.fst)
    except openfst.ToolsMissing:
        if args.fst is None:
            raise
        openfst.install(args.fst)
    spent = Spent(args.work / "spent.json")
    parts = _speech(args.work, args.site, args.processes, spent)
    sound = _train(args.work, parts, args.processes, spent)
    model = args.work / "model"
    _graph(model, sound, args.site, args.fst, spent)
    _measure(model, args, _made(args.site, parts, spent))
    shutil.rmtree(args.out, ignore_errors=True)
    shutil.copytree(model, args.out)
    _say(f"model in {args.out}")


def bar(label: str, done: int, total: int, note: str = "") -> None:
    """A progress bar on standard error."""
    filled = 30 * done // max(total, 1)
    end = "\n" if done >= total else ""
    sys.stderr.write(f"\r{label:<10} [{'#' * filled}{'.' * (30 - filled)}] {done}/{total} {note}   {end}")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


@lru_cache(maxsize=1)
def _texts(site: Path) -> speech.Texts:
    return speech.training_texts(site_text.load(site))


def _make_part(job: tuple[Path, Path, int, Path | None]) -> float:
    """Seconds of processor time it took."""
    path, site, seed, voices = job
    before = cpu_s()
    folder = None if voices is None else invented.folder(voices, seed)
    speech.write_part(path, _texts(site), seed, UTTERANCES, folder)
    return cpu_s() - before


def _speech(work: Path, site: Path, processes: int, spent: Spent) -> list[Path]:
    folder = work / "speech"
    folder.mkdir(exist_ok=True)
    parts = [folder / f"part-{k:02d}.npz" for k in range(PARTS)]
    jobs = [
        (path, site, FIRST_SEED + k, None if k < PACKAGED_PARTS else work / f"voices/{k:02d}")
        for k, path in enumerate(parts)
        if not path.exists()
    ]
    done = PARTS - len(jobs)
    bar("speech", done, PARTS)
    spent.begin()
    if jobs:
        # not a Pool: its daemonic workers may not start the synthesiser's child
        with ProcessPoolExecutor(processes, mp_context=mp.get_context("spawn")) as pool:
            for future in as_completed([pool.submit(_make_part, job) for job in jobs]):
                spent.charge("speech", future.result())
                done += 1
                bar("speech", done, PARTS)
    return parts


def _train(work: Path, parts: list[Path], processes: int, spent: Spent) -> Path:
    finished = work / "final.mdl"
    if not finished.exists():
        torch.set_num_threads(processes)
        spent.begin()
        before = cpu_s()
        trainer = acoustic.Trainer(acoustic.Speech.read(parts), SEED)

        def report(done: int, total: int, loss: float) -> None:
            nonlocal before
            now = cpu_s()
            spent.charge("training", now - before)
            before = now
            bar("training", done, total, f"loss {loss:.3f}")

        trainer.run(work / "checkpoint.pt", report)
        _say(f"frames right on utterances kept out of training: {100 * trainer.accuracy():.1f} %")
        trainer.export(finished)
    return finished


def _graph(model: Path, sound: Path, site: Path, fst: Path | None, spent: Spent) -> None:
    spent.begin()
    before = cpu_s()
    shutil.rmtree(model, ignore_errors=True)
    unread = artefact.assemble(model, sound, corpus.counts(site_text.load(site)), openfst.find(fst))
    spent.charge("graph", cpu_s() - before)
    bar("graph", 1, 1, f"{len(unread)} words unreadable" if unread else "")


def _made(site: Path, parts: list[Path], spent: Spent) -> dict[str, object]:
    """What the manifest says of the making."""
    frames = sum(int(np.load(path)["lengths"].sum()) for path in parts)
    return {
        "synthesiser": "eSpeak NG",
        "site": site.name,
        "utterances": PARTS * UTTERANCES,
        "hours": round(frames / 360_000),
        "invented_voices": INVENTED_PARTS * invented.COUNT,
        "weights": acoustic.weights(),
        "steps": acoustic.STEPS,
        "spent": spent.summary(),
    }


def _measure(model: Path, args: argparse.Namespace, made: dict[str, object]) -> None:
    """In a process of its own, for Vosk's sake."""
    bar("measuring", 0, 1)
    note = args.work / "made.json"
    note.write_text(json.dumps(made))
    command = [
        sys.executable,
        "-m",
        "asr.model.recipe.measure",
        str(model),
        str(args.site),
        str(args.tests),
        str(args.voices),
        str(note),
    ]
    subprocess.run(command, check=True)
    bar("measuring", 1, 1)
