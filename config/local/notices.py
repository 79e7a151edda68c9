"""Say on the terminal of `make run` that a program ended or was given up. supervisor runs this as an event listener."""

import sys

from supervisor import childutils  # type: ignore[import-untyped]

NOTICES = {
    "PROCESS_STATE_EXITED": "{name} has ended by itself or was ended from outside. It is started again.",
    "PROCESS_STATE_FATAL": "{name} does not start and was given up, so its work is not done. The reason is above."
    " Correct it, press Ctrl-C and start again.",
}


def main() -> None:
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        name = childutils.get_headers(payload)["processname"]
        print(NOTICES[headers["eventname"]].format(name=name.capitalize()), file=sys.stderr, flush=True)
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
