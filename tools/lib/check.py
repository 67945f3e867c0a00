# SPDX-License-Identifier: LGPL-2.1-or-later
"""Build everything and run every proof there is.

Without STEP, all steps run, as many at once as there are processors for,
and a step that fails stops no other. Each step writes a log; the log of a
step that failed is shown at its end. The last line is always the sum.
"""

import argparse
import os
import queue
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import steps  # noqa: E402
from counts import Count  # noqa: E402
from runner import Runner  # noqa: E402
from tree import ROOT  # noqa: E402

TAIL_LINES = 80
HEARTBEAT_S = 60


class Report:
    """What people see: one line when a step starts, one when it ends."""

    def __init__(self, root, chosen):
        self.root = root
        self.numbers = {step.name: number
                        for number, step in enumerate(chosen, 1)}
        self.width = max(len(step.name) for step in chosen)
        self.begin = time.monotonic()

    def say(self, text):
        print(text, flush=True)

    def line(self, step, text):
        number = f"[{self.numbers[step.name]:2}/{len(self.numbers)}]"
        self.say(f"{number} {step.name:{self.width}}  {text}")

    def started(self, step):
        self.line(step, f"... {step.about}")

    def ended(self, step, runner):
        word = "FAILED" if runner.count.failed else "ok"
        self.line(step, f"{word:6} {runner.seconds():6.1f} s  {runner.count}")
        if runner.count.failed:
            self.why(step, runner)

    def why(self, step, runner):
        """The end of the log, so that a log of CI says why."""
        log = os.path.relpath(runner.log_path, self.root)
        with open(runner.log_path, encoding="utf-8",
                  errors="replace") as source:
            lines = source.read().splitlines()
        shown = lines[-TAIL_LINES:]
        self.say(f"---- {step.name}: the last {len(shown)} of {len(lines)} "
                 f"lines of {log}")
        self.say("\n".join("| " + line for line in shown))
        for reason in runner.reasons:
            self.say(f"---- {step.name}: {reason}")
        self.say(f"---- {step.name}: all of it is in {log}; "
                 f"once more: tools/check {step.name}")

    def heartbeat(self, running):
        minutes = (time.monotonic() - self.begin) / 60
        self.say(f"       {minutes:.0f} min; still running: "
                 + ", ".join(f"{step.name} ({runner.seconds():.0f} s)"
                             for step, runner in running.items()))


class Schedule:
    """Runs steps at once as far as processors and common things allow."""

    def __init__(self, chosen, slots, report, make_runner):
        self.waiting = list(chosen)
        self.slots = slots
        self.report = report
        self.make_runner = make_runner
        self.running = {}
        self.ended = queue.Queue()
        self.total = Count()

    def may_start(self, step):
        used = sum(min(other.slots, self.slots) for other in self.running)
        return used + min(step.slots, self.slots) <= self.slots and not any(
            step.alone and step.alone == other.alone
            for other in self.running)

    def start_some(self):
        for step in list(self.waiting):
            if not self.may_start(step):
                # A wide step waits for its turn: nobody overtakes it.
                if step.slots > 1:
                    break
                continue
            self.waiting.remove(step)
            runner = self.make_runner(step)
            self.running[step] = runner
            self.report.started(step)
            threading.Thread(target=self.work, args=(step, runner),
                             daemon=True).start()

    def work(self, step, runner):
        runner.run(step)
        self.ended.put(step)

    def run(self):
        """All steps to the end; returns the sum."""
        while self.waiting or self.running:
            self.start_some()
            try:
                step = self.ended.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                self.report.heartbeat(self.running)
                continue
            runner = self.running.pop(step)
            self.total.add(runner.count)
            self.report.ended(step, runner)
        return self.total

    def stop(self):
        for runner in list(self.running.values()):
            runner.stop("interrupted")


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tools/check", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="*", metavar="STEP",
                        help="run these alone; see --list")
    parser.add_argument("--list", action="store_true",
                        help="say what each step does, and end")
    parser.add_argument("--deep", action="store_true",
                        help="the long steps too, and longer fuzzing")
    parser.add_argument("--fuzz-seconds", type=int, metavar="N",
                        help=f"how long each fuzz target runs "
                        f"({steps.FUZZ_S}; with --deep {steps.FUZZ_DEEP_S})")
    parser.add_argument("--one-at-a-time", action="store_true",
                        help="never run two steps at once")
    parser.add_argument("--no-install", action="store_true",
                        help="do not run tools/install-deps first")
    return parser.parse_args()


def choose(args):
    """The steps to run, in their own order."""
    known = {step.name: step for step in steps.ALL}
    for name in args.step:
        if name not in known:
            sys.exit(f"tools/check: there is no step {name}; there are: "
                     + ", ".join(known))
    if args.step:
        return [step for step in steps.ALL if step.name in args.step]
    return [step for step in steps.ALL if args.deep or not step.deep]


def show_list():
    width = max(len(step.name) for step in steps.ALL)
    for step in steps.ALL:
        print(f"{step.name:{width}}  {step.about}"
              + ("  (--deep)" if step.deep else ""))


def main():
    args = parse_arguments()
    if args.list:
        show_list()
        return 0
    chosen = choose(args)
    processors = len(os.sched_getaffinity(0))
    slots = 1 if args.one_at_a_time else max(2, min(processors, 8))
    logs = os.path.join(ROOT, "build", "check-logs")
    os.makedirs(logs, exist_ok=True)
    report = Report(ROOT, chosen)
    report.say(f"tools/check: {len(chosen)} steps, {processors} processors; "
               f"logs in {os.path.relpath(logs, ROOT)}/")
    context = steps.Context(ROOT, processors, args.deep, args.fuzz_seconds)
    schedule = Schedule(chosen, slots, report,
                        lambda step: Runner(step, context, logs))

    def interrupted(number, _):
        schedule.stop()
        print(f"tools/check: ended by {signal.Signals(number).name}")
        print(f"{schedule.total.passed} passed, "
              f"{schedule.total.failed + len(schedule.running)} failed",
              flush=True)
        os._exit(1)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    total = schedule.run()
    report.say(f"tools/check: {time.monotonic() - report.begin:.0f} s in all")
    report.say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
