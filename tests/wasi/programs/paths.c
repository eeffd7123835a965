/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths lead where, and what a grant that is smaller refuses. */
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void symlink_inside(void)
{
    enter_grant();
    report("symlink", symlink("dir/in.txt", "link"));
    show("link");
    put("link", "through");
    show("dir/in.txt");
}

static void symlink_is_read(void)
{
    enter_grant();
    char target[64] = "";
    struct stat info = {0};
    report("symlink", symlink("somewhere", "link"));
    report("readlink", readlink("link", target, sizeof(target) - 1));
    printf("%s\n", target);
    report("lstat", lstat("link", &info));
    printf("%s\n", S_ISLNK(info.st_mode) ? "a link" : "no link");
    show("link");
    report("readlink of a file", readlink("a.txt", target, sizeof(target) - 1));
}

static void symlink_cut(void)
{
    enter_grant();
    char target[4];
    report("symlink", symlink("somewhere", "link"));
    printf("%zd\n", readlink("link", target, sizeof(target)));
    printf("%.4s\n", target);
}

static void symlink_loop(void)
{
    enter_grant();
    report("symlink", symlink("two", "one"));
    report("symlink", symlink("one", "two"));
    show("one");
}

static void symlink_not_followed(void)
{
    enter_grant();
    report("symlink", symlink("a.txt", "link"));
    report("open", open("link", O_RDONLY | O_NOFOLLOW));
    report("unlink", unlink("link"));
    show("a.txt");
}

static void symlink_outside(void)
{
    enter_grant();
    show("out"); /* ../secret */
    show("out-dir/secret");
    printf("symlink: %s\n", symlink("/etc/passwd", "absolute") == 0 ? "made" : "refused");
    printf("through it: %s\n", open("absolute", O_RDONLY) >= 0 ? "open" : "refused");
}

static void dots_inside(void)
{
    enter_grant();
    show("./a.txt");
    show("dir/../a.txt");
    show("dir/./in.txt");
    show("dir//in.txt");
}

static void dots_outside(void)
{
    enter_grant();
    const char *const paths[] = {"../secret", "dir/../../secret", "./../secret"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        printf("%s: %s\n", paths[i], open(paths[i], O_RDONLY) >= 0 ? "open" : "refused");
        printf("%s: %s\n", paths[i], unlink(paths[i]) == 0 ? "removed" : "refused");
    }
    printf("rename: %s\n", rename("a.txt", "../stolen") == 0 ? "moved" : "refused");
    printf("mkdir: %s\n", mkdir("../made", 0777) == 0 ? "made" : "refused");
    printf("link: %s\n", link("../secret", "mine") == 0 ? "linked" : "refused");
    show("a.txt");
}

static void absolute_outside(void)
{
    enter_grant();
    const char *const paths[] = {"/etc/passwd", "/", "/proc/self/environ"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        printf("%s: %s\n", paths[i], open(paths[i], O_RDONLY) >= 0 ? "open" : "refused");
    }
}

static void slash_at_end(void)
{
    enter_grant();
    report("a.txt/", open("a.txt/", O_RDONLY));
    report("new/", open("new/", O_WRONLY | O_CREAT, 0666));
    report("dir/", open("dir/", O_RDONLY | O_DIRECTORY));
    report("mkdir made/", mkdir("made/", 0777));
}

static void long_name(void)
{
    enter_grant();
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    report("name", open(name, O_RDONLY));
    name[255] = '\0';
    report("as long as possible", open(name, O_WRONLY | O_CREAT, 0666));
}

static void empty_path(void)
{
    enter_grant();
    printf("open: %s\n", openat(3, "", O_RDONLY) >= 0 ? "open" : "refused");
    printf("mkdir: %s\n", mkdirat(3, "", 0777) == 0 ? "made" : "refused");
}

static void unicode_name(void)
{
    enter_grant();
    put("Gr\xc3\xbc\xc3\x9f"
        "e \xe2\x98\x83",
        "snow");
    show("Gr\xc3\xbc\xc3\x9f"
         "e \xe2\x98\x83");
}

static void no_unicode_name(void)
{
    report("not UTF-8", openat(3, "\xff\xfe", O_RDONLY));
}

/* ---- smaller grants ---- */

static void try_to_change(void)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    printf("write: %s\n", open("a.txt", O_WRONLY) >= 0 ? "open" : "refused");
    printf("truncate: %s\n", open("a.txt", O_RDONLY | O_TRUNC) >= 0 ? "open" : "refused");
    printf("create: %s\n", open("new", O_RDONLY | O_CREAT, 0666) >= 0 ? "open" : "refused");
    printf("mkdir: %s\n", mkdir("new", 0777) == 0 ? "made" : "refused");
    printf("rmdir: %s\n", rmdir("dir") == 0 ? "removed" : "refused");
    printf("unlink: %s\n", unlink("a.txt") == 0 ? "removed" : "refused");
    printf("rename: %s\n", rename("a.txt", "b.txt") == 0 ? "moved" : "refused");
    printf("link: %s\n", link("a.txt", "b.txt") == 0 ? "linked" : "refused");
    printf("symlink: %s\n", symlink("a.txt", "b.txt") == 0 ? "linked" : "refused");
    printf("times: %s\n", utimensat(AT_FDCWD, "a.txt", times, 0) == 0 ? "set" : "refused");
}

static void only_reading(void)
{
    enter_grant();
    try_to_change();
    show("a.txt");
    show("dir/in.txt");
}

static void only_writing(void)
{
    enter_grant();
    int fd = open("a.txt", O_WRONLY | O_TRUNC);
    report("open", fd);
    report("write", write(fd, "W", 1));
    printf("read: %s\n", open("a.txt", O_RDONLY) >= 0 ? "open" : "refused");
}

static void no_grant(void)
{
    enter_grant();
    printf("%s\n", open("/etc/passwd", O_RDONLY) >= 0 ? "open" : "refused");
    printf("%s\n", openat(3, "a.txt", O_RDONLY) >= 0 ? "open" : "refused");
}

static void show_granted(const char *path)
{
    int fd = open(path, O_RDONLY);
    printf("%s: %s\n", strrchr(path, '/') + 1, fd >= 0 ? "open" : "refused");
}

/* Two directories of one parent, by absolute paths: one may be read, the other written. */
static void two_grants(void)
{
    char path[PATH_MAX];
    const char *root = getenv("ROOT");
    snprintf(path, sizeof(path), "%s/d/a.txt", root);
    show_granted(path);
    snprintf(path, sizeof(path), "%s/e/b.txt", root);
    printf("b.txt: %s\n", open(path, O_WRONLY | O_CREAT, 0666) >= 0 ? "written" : "refused");
    snprintf(path, sizeof(path), "%s/secret", root);
    show_granted(path);
    char other[PATH_MAX];
    snprintf(path, sizeof(path), "%s/d/a.txt", root);
    snprintf(other, sizeof(other), "%s/e/a.txt", root);
    printf("rename out of the first: %s\n", rename(path, other) == 0 ? "moved" : "refused");
    printf("link out of the first: %s\n", link(path, other) == 0 ? "linked" : "refused");
}

const struct program_case path_cases[] = {
    {"symlink-inside", symlink_inside},
    {"symlink-is-read", symlink_is_read},
    {"symlink-is-cut", symlink_cut},
    {"symlink-loop", symlink_loop},
    {"symlink-not-followed", symlink_not_followed},
    {"symlink-outside", symlink_outside},
    {"path-dots-inside", dots_inside},
    {"path-dots-outside", dots_outside},
    {"path-absolute-outside", absolute_outside},
    {"path-slash-at-end", slash_at_end},
    {"path-long-name", long_name},
    {"path-empty", empty_path},
    {"path-unicode", unicode_name},
    {"path-not-utf8", no_unicode_name},
    {"grant-only-reading", only_reading},
    {"grant-only-writing", only_writing},
    {"grant-none", no_grant},
    {"grant-two-directories", two_grants},
    {NULL, NULL},
};
