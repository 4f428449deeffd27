"""The stages of `python -m asr.model.recipe`: the speech model from nothing.

Stages, each resumable: speech (parts), training (checkpoints), graph, measures, artefact. What is already in the work
folder is not made again; delete a file to make it again. A module of its own because processes that multiprocessing
starts do not import a package's `__main__`.
"""

import argparse
import multiprocessing as mp
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch

from asr.model.recipe import acoustic, artefact, corpus, invented, openfst, site_text, speech

PACKAGED_PARTS = 29
INVENTED_PARTS = 6
PARTS = PACKAGED_PARTS + INVENTED_PARTS
UTTERANCES = 1500
SEED = 1


def main() -> None:
    """Parse the command line and run what is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m asr.model.recipe", description="Make the speech model from nothing."
    )
    parser.add_argument("--site", type=Path, default=Path("ticketing/sites/yuncheng"), help="site pack with places.csv")
    parser.add_argument("--tests", type=Path, default=Path("tests/data/speech"), help="held-out sentences")
    parser.add_argument("--work", type=Path, default=Path(".huying/model"), help="folder of intermediate files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model; replaced")
    parser.add_argument("--fst", type=Path, default=None, help="private folder of OpenFst's tools; filled if empty")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--voices", type=int, default=1, help="held-out voices that say each test sentence")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if args.fst is not None and not openfst.Tools(args.fst).complete():
        openfst.install(args.fst)
    openfst.find(args.fst)
    started = time.monotonic()
    parts = _speech(args.work, args.site, args.processes)
    sound = _train(args.work, parts, args.processes)
    model = args.work / "model"
    _graph(model, sound, args.site, args.fst)
    _measure(model, args)
    shutil.rmtree(args.out, ignore_errors=True)
    shutil.copytree(model, args.out)
    _say(f"model in {args.out} after {(time.monotonic() - started) / 60:.0f} minutes")


def bar(label: str, done: int, total: int, note: str = "") -> None:
    """A progress bar on standard error."""
    filled = 30 * done // max(total, 1)
    end = "\n" if done >= total else ""
    sys.stderr.write(f"\r{label:<10} [{'#' * filled}{'.' * (30 - filled)}] {done}/{total} {note}   {end}")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _make_part(job: tuple[Path, Path, int, Path | None]) -> None:
    path, site, seed, voices = job
    speech.write_part(path, speech.training_texts(site_text.load(site)), seed, UTTERANCES, voices)


def _speech(work: Path, site: Path, processes: int) -> list[Path]:
    folder = work / "speech"
    folder.mkdir(exist_ok=True)
    parts = [folder / f"part-{k:02d}.npz" for k in range(PARTS)]
    voices = invented.folder(work / "voices")
    jobs = [
        (path, site, 1000 + k, None if k < PACKAGED_PARTS else voices)
        for k, path in enumerate(parts)
        if not path.exists()
    ]
    done = PARTS - len(jobs)
    bar("speech", done, PARTS)
    if jobs:
        # not a Pool: its daemonic workers may not start the synthesiser's child
        with ProcessPoolExecutor(processes, mp_context=mp.get_context("spawn")) as pool:
            for future in as_completed([pool.submit(_make_part, job) for job in jobs]):
                future.result()
                done += 1
                bar("speech", done, PARTS)
    return parts


def _train(work: Path, parts: list[Path], processes: int) -> Path:
    finished = work / "final.mdl"
    if not finished.exists():
        torch.set_num_threads(processes)
        trainer = acoustic.Trainer(acoustic.Speech.read(parts), SEED)
        trainer.run(work / "checkpoint.pt", lambda done, total, loss: bar("training", done, total, f"loss {loss:.3f}"))
        _say(f"frames right on utterances kept out of training: {100 * trainer.accuracy():.1f} %")
        trainer.export(finished)
    return finished


def _graph(model: Path, sound: Path, site: Path, fst: Path | None) -> None:
    shutil.rmtree(model, ignore_errors=True)
    unread = artefact.assemble(model, sound, corpus.counts(site_text.load(site)), openfst.find(fst))
    bar("graph", 1, 1, f"{len(unread)} words unreadable" if unread else "")


def _measure(model: Path, args: argparse.Namespace) -> None:
    """In a process of its own, for Vosk's sake."""
    bar("measuring", 0, 1)
    command = [
        sys.executable,
        "-m",
        "asr.model.recipe.measure",
        str(model),
        str(args.site),
        str(args.tests),
        str(args.voices),
    ]
    subprocess.run(command, check=True)
    bar("measuring", 1, 1)
