# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds the sentences in comments and in pages of text, for style.py."""
import re

# Strings and character constants are matched so that a comment sign in one begins no comment.
C_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.S)
DOCSTRING = re.compile(r'"""(.*?)"""', re.S)
HASH_LINE = re.compile(r'\s*#(?!!)(.*)')
HASH_BEHIND = re.compile(r'\S.*?\s#\s+(.*)')
# An item of a list in Markdown or scdoc; "; " begins a comment of scdoc.
ITEM = re.compile(r'\s*([*-]|\d+\.|;)\s+')
# Examples of Markdown are indented; in scdoc a tab begins the description of an option.
NO_TEXT = {'.md': re.compile(r'\t|    |#|\s*```'), '.scd': re.compile(r'#|[|:\]]|\s*```')}
END_OF_SENTENCE = re.compile(r'(?<=[.!?:;])["\')*_]*\s+(?=\W?[A-Z])')


def paragraphs(lines, first=1):
    """Yields (line number, text) for each run of lines that are not blank."""
    held, start = [], first
    for number, line in enumerate([*lines, ''], first):
        if line.strip():
            start = start if held else number
            held.append(line.strip())
        elif held:
            yield start, ' '.join(held)
            held = []


def c_comments(text):
    """Comments of C. Those that begin with // on lines below each other are one."""
    lines = [''] * (text.count('\n') + 2)
    for match in C_TOKEN.finditer(text):
        token, number = match.group(), text.count('\n', 0, match.start())
        if token.startswith('//'):
            behind_code = text[text.rfind('\n', 0, match.start()) + 1:match.start()].strip()
            if behind_code and lines[number - 1]:
                yield from paragraphs([token[2:]], number + 1)
            else:
                lines[number] = token[2:]
        elif token.startswith('/*'):
            yield from paragraphs([re.sub(r'^\s*\*', '', line) for line in token[2:-2].split('\n')],
                                  number + 1)
    yield from paragraphs(lines)


def hash_comments(text):
    """Comments of shell, Python and meson."""
    lines = []
    for number, line in enumerate(text.split('\n'), 1):
        match = HASH_LINE.fullmatch(line)
        behind = HASH_BEHIND.fullmatch(line)
        lines.append(match.group(1) if match else '')
        if behind and not match:
            yield from paragraphs([behind.group(1)], number)
    yield from paragraphs(lines)


def docstrings(text):
    for match in DOCSTRING.finditer(text):
        yield from paragraphs(match.group(1).split('\n'), text.count('\n', 0, match.start()) + 1)


def page_text(text, no_text):
    """Paragraphs, items and cells of tables of Markdown and scdoc: no headings, no examples."""
    held, first, example = [], 1, False
    for number, line in enumerate(text.split('\n'), 1):
        if line.lstrip().startswith('```'):
            example = not example
        item = ITEM.match(line)
        if line.startswith('|') and not example:
            yield from ((number, cell.strip()) for cell in line.split('|'))
            line = ''
        elif item:
            yield from paragraphs(held, first)
            held, first, line = [], number, line[item.end():]
        elif example or no_text.match(line):
            line = ''
        held.append(line.lstrip('*_ '))
    yield from paragraphs(held, first)


def sentences(path, text):
    """Yields (line number of its paragraph, sentence) for all text of a file."""
    text = re.sub('.*SPDX-License-Identifier.*', '', text)
    if path.endswith(('.c', '.h')):
        found = c_comments(text)
    elif path.endswith(('.md', '.scd')):
        found = page_text(text, NO_TEXT[path[path.rindex('.'):]])
    elif path.endswith('.py'):
        found = [*hash_comments(text), *docstrings(text)]
    else:
        found = hash_comments(text)
    for number, paragraph in found:
        for sentence in END_OF_SENTENCE.split(paragraph):
            yield number, sentence.lstrip('*_"\'(`')
