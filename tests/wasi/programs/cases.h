/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The cases of a program: each prints what it sees, and cases.toml says what that must be. */
#include <stdbool.h>
#include <stddef.h>

struct program_case {
    const char *name;
    void (*run)(void);
};

/* Each ends with a row without a name. */
extern const struct program_case file_cases[];
extern const struct program_case directory_cases[];
extern const struct program_case path_cases[];
extern const struct program_case console_cases[];
extern const struct program_case socket_cases[];

/* Prints "WHAT: ok" for a result that is not negative, else "WHAT: " and errno's name. */
void report(const char *what, long result);
const char *errno_name(int error);
/* The working directory becomes the first granted one. */
void enter_grant(void);
/* Makes a file with the text in it; false and a report when that fails. */
bool put(const char *path, const char *text);
/* Prints "PATH: " and the file's content in quotes, or errno's name. */
void show(const char *path);
