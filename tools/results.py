#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""results.py [--tap] LOG...: counts the cases in logs of "meson test" (meson-logs/testlog.json).

Prints the cases that failed or were skipped, with the reason, and as the last line
"N passed, N failed, N skipped"; with --tap it prints every case, in the Test Anything Protocol.
A test program that speaks TAP counts as its cases, any other as one. Cases that a program announced
and did not come to, because it crashed or took too long, have failed. Ends with status 1 when a
case failed."""
import itertools
import json
import re
import sys

CASE = re.compile(r'(not )?ok \d+(?: - (.*?))?(?:\s*# SKIP ?(.*))?')
PLAN = re.compile(r'1\.\.(\d+)(?: # SKIP (.*))?')


def why_bad(test):
    if test['result'] == 'TIMEOUT':
        return f'not done after {test["duration"]:.0f} s'
    return f'ended with status {test["returncode"]}'


def comments_after(lines):
    """Returns the comments that follow a case at once: cmocka explains a failure there."""
    comments = itertools.takewhile(lambda line: line.startswith('#'), lines)
    return '; '.join(line[1:].strip() for line in comments)


def cases(test):
    """Yields (word, name, reason) for each case of a test; word is "ok", "not ok" or "skip"."""
    # PROJECT:SUITE[+SUITE...] / NAME; only NAME where all tests of a build are of one suite.
    suite, name = re.fullmatch(r'(?:[^:]*:([^ +]*)\S* / )?(.*)', test['name']).groups()
    program = name if suite in (None, name) else f'{suite}.{name}'
    output = (test['stdout'] or '').splitlines()
    n = failed = 0
    planned, skip_reason = None, None
    for number, line in enumerate(output):
        plan, case = PLAN.fullmatch(line), CASE.fullmatch(line)
        if plan:
            planned, skip_reason = int(plan[1]), plan[2]
        elif case:
            n += 1
            failed += bool(case[1])
            label = f'{program}.{case[2] or n}'
            if case[1]:
                yield 'not ok', label, comments_after(output[number + 1:])
            elif case[3] is not None:
                yield 'skip', label, case[3] or 'the test gives no reason'
            else:
                yield 'ok', label, ''
    if test['result'] == 'SKIP' and not n:
        yield 'skip', program, skip_reason or (output or ['no reason is given'])[-1]
    elif test['result'] in ('FAIL', 'ERROR', 'TIMEOUT', 'INTERRUPT'):
        lost = max(planned or 0, n) - n
        if lost or not failed:
            yield 'not ok', program, why_bad(test)
        for number in range(1, lost):
            yield 'not ok', f'{program}.{n + number + 1}', 'did not run'
    elif not n:
        yield 'ok', program, ''


def main():
    tap = sys.argv[1] == '--tap'
    results = []
    for log in sys.argv[1 + tap:]:
        try:
            with open(log, encoding='utf-8') as file:
                for line in file:
                    results += cases(json.loads(line))
        except OSError as error:
            results.append(('not ok', log, f'meson has left no log: {error.strerror}'))
    if tap:
        print(f'1..{len(results)}')
        for number, (word, name, why) in enumerate(results, 1):
            mark = {'skip': f' # SKIP {why}'}.get(word, f': {why}' if why else '')
            print(f'{word.replace("skip", "ok")} {number} - {name}{mark}')
    else:
        for wanted in ('not ok', 'skip'):
            for word, name, why in results:
                if word == wanted:
                    print(f'{word} {name}{": " if why else ""}{why}')
    words = [word for word, name, why in results]
    passed, failed, skipped = (words.count(word) for word in ('ok', 'not ok', 'skip'))
    if not tap:
        print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed or not results else 0


sys.exit(main())
