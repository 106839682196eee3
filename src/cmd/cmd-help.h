/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Help for people. It uses the table of commands, so main() calls it, and the table has no row. */

/* Prints the overview of all commands. */
void help_overview(void);

/*
 * penstock help WORD...: prints the help of a command, of an option of `penstock mount`, or of an
 * installed filter; without WORD the overview. argv[0] is "help". Returns an exit code.
 */
int help_word(int argc, char **argv);
