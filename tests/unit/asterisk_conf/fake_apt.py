"""An apt-get that serves a folder of packages: run as a program, told by `plan.json` beside it what to refuse.

plan: `gone` (package names the suite does not have), `reachable`, `downloads` (how many may still succeed). Every call
is noted in `calls.log`.
"""

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

HOME = Path(__file__).parent


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument != "-q"]
    with (HOME / "calls.log").open("a") as log:
        log.write(json.dumps(arguments) + "\n")
    plan = json.loads((HOME / "plan.json").read_text())
    pool = {path.name.split("_")[0]: path for path in sorted((HOME / "pool").glob("*.deb"))}
    if arguments[0] == "update":
        if not plan["reachable"]:
            sys.stderr.write("E: Failed to fetch index: Could not resolve the name\n")
        return 0 if plan["reachable"] else 100
    if arguments[:2] == ["--simulate", "install"]:
        every = [name for name in pool if name not in plan["gone"]]
        sys.stdout.write("".join(f"Inst {name} (1.0 Debian)\nConf {name} (1.0 Debian)\n" for name in every))
        return 0
    names = [re.sub("=.*", "", word) for word in arguments if not word.startswith("-") and word != "download"]
    for name in names:
        if name in plan["gone"] or name not in pool:
            sys.stderr.write(f"E: Unable to locate package {name}\n")
            return 100
        if "--print-uris" in arguments:
            path = pool[name]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            sys.stdout.write(f"'http://mirror.invalid/{path.name}' {path.name} {path.stat().st_size} SHA256:{digest}\n")
            continue
        if plan["downloads"] <= 0:
            (Path.cwd() / pool[name].name).write_bytes(pool[name].read_bytes()[:40])
            sys.stderr.write("E: Failed to fetch archive: Connection reset\n")
            return 100
        plan["downloads"] -= 1
        (HOME / "plan.json").write_text(json.dumps(plan))
        shutil.copy(pool[name], Path.cwd())
    return 0


if __name__ == "__main__":
    sys.exit(main())
