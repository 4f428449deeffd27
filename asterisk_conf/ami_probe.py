"""Signs in to AMI with pyst2 and asks for CoreStatus: run as a program, because pyst2 knows no deadline.

Arguments: host, port, user; the secret comes on standard input. Prints `ok <calls>`, `refused` or `lost <why>`.
"""

import sys

from asterisk.manager import Manager, ManagerAuthException, ManagerException


def main() -> None:
    """Print one line and exit."""
    host, port, user = sys.argv[1:]
    secret = sys.stdin.readline().rstrip("\n")
    manager = Manager()
    try:
        manager.connect(host, int(port))
        manager.login(user, secret)
        status = manager.send_action({"Action": "CoreStatus"})
        sys.stdout.write(f"ok {status.get_header('CoreCurrentCalls', '?')}\n")
        manager.logoff()
    except ManagerAuthException:
        sys.stdout.write("refused\n")
    except ManagerException as why:
        sys.stdout.write(f"lost {why}\n")


if __name__ == "__main__":
    main()
