/* Completion of commands, their actions, options and values in shells, made of the rows of the commands. Pure; any thread. */
#ifndef CONFIG_COMPLETION_H
#define CONFIG_COMPLETION_H

#include "config/command.h"

/* Append the script for "bash", "zsh" or "fish".  false: another shell, and nothing is appended */
bool completion_write(struct buf *b, struct str shell, command_row_fn *row) MUST_CHECK;

#endif
