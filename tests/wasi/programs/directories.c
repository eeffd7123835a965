/* SPDX-License-Identifier: Apache-2.0 */
/* Names in directories: making, listing, moving, removing, and what stat says about them. */
#include "cases.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_MAX 512

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The names but "." and "..", sorted, as an array of NAMES_MAX. */
static char (*list(const char *path, size_t *out_count))[32]
{
    static char names[NAMES_MAX][32];
    DIR *directory = opendir(path);
    *out_count = 0;
    report(path, directory ? 0 : -1);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)) && *out_count < NAMES_MAX) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            const char *kind = entry->d_type == DT_DIR ? "/" : entry->d_type == DT_LNK ? "@" : "";
            snprintf(names[(*out_count)++], sizeof(names[0]), "%.28s%s", entry->d_name, kind);
        }
    }
    if (directory) {
        closedir(directory);
    }
    qsort(names, *out_count, sizeof(names[0]), compare);
    return names;
}

static void show_list(const char *path)
{
    size_t count;
    char(*names)[32] = list(path, &count);
    for (size_t i = 0; i < count; i++) {
        printf("  %s\n", names[i]);
    }
}

static void make_and_remove(void)
{
    enter_grant();
    report("mkdir", mkdir("new", 0777));
    report("mkdir again", mkdir("new", 0777));
    show_list(".");
    report("rmdir", rmdir("new"));
    report("rmdir again", rmdir("new"));
}

static void make_nested(void)
{
    enter_grant();
    report("x/y", mkdir("x/y", 0777));
    report("x", mkdir("x", 0777));
    report("x/y", mkdir("x/y", 0777));
    put("x/y/z", "deep");
    show("x/y/z");
}

static void remove_not_empty(void)
{
    enter_grant();
    report("rmdir", rmdir("dir"));
}

static void remove_file_as_directory(void)
{
    enter_grant();
    report("rmdir", rmdir("a.txt"));
    show("a.txt");
}

static void unlink_file(void)
{
    enter_grant();
    report("unlink", unlink("a.txt"));
    report("unlink again", unlink("a.txt"));
    show("a.txt");
}

static void unlink_directory(void)
{
    enter_grant();
    printf("unlink: %s\n", unlink("dir") == 0 ? "ok" : "refused");
    show_list(".");
}

static void unlink_open_file(void)
{
    enter_grant();
    char bytes[6] = "";
    int fd = open("a.txt", O_RDONLY);
    report("unlink", unlink("a.txt"));
    report("read", read(fd, bytes, 5));
    printf("%s\n", bytes);
}

static void rename_file(void)
{
    enter_grant();
    report("rename", rename("a.txt", "dir/b.txt"));
    show("a.txt");
    show("dir/b.txt");
}

static void rename_over(void)
{
    enter_grant();
    put("old", "old");
    report("rename", rename("a.txt", "old"));
    show("old");
    show("a.txt");
}

static void rename_directory(void)
{
    enter_grant();
    report("rename", rename("dir", "moved"));
    show("moved/in.txt");
    report("into itself", rename("moved", "moved/deeper"));
}

static void rename_wrongly(void)
{
    enter_grant();
    mkdir("empty", 0777);
    report("missing", rename("missing", "x"));
    report("file over directory", rename("a.txt", "empty"));
    report("directory over file", rename("empty", "a.txt"));
    report("directory over a full one", rename("empty", "dir"));
}

static void replace_at_once(void)
{
    enter_grant();
    put("a.txt.new", "second");
    report("rename", rename("a.txt.new", "a.txt"));
    show("a.txt");
    show_list(".");
}

static void hard_link(void)
{
    enter_grant();
    struct stat info = {0};
    report("link", link("a.txt", "b.txt"));
    put("a.txt", "both");
    show("b.txt");
    report("stat", stat("b.txt", &info));
    printf("%u links\n", (unsigned)info.st_nlink);
}

static void list_names(void)
{
    enter_grant();
    show_list(".");
    show_list("dir");
}

static void list_empty(void)
{
    enter_grant();
    mkdir("empty", 0777);
    show_list("empty");
}

static void list_many(void)
{
    enter_grant();
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "dir/%03d", i);
        int fd = open(name, O_WRONLY | O_CREAT, 0666);
        if (fd < 0) {
            report(name, -1);
        }
        close(fd);
    }
    size_t count;
    char(*names)[32] = list("dir", &count);
    printf("%zu names, %s to %s\n", count, names[0], names[299]);
}

static void list_again(void)
{
    enter_grant();
    DIR *directory = opendir(".");
    unsigned first = 0, second = 0;
    while (readdir(directory)) {
        first++;
    }
    rewinddir(directory);
    while (readdir(directory)) {
        second++;
    }
    printf("%s\n", first == second && first > 0 ? "the same" : "different");
    closedir(directory);
}

static void list_file(void)
{
    enter_grant();
    show_list("a.txt");
    show_list("missing");
}

static void print_stat(const char *what, const struct stat *info)
{
    const char *kind = S_ISDIR(info->st_mode)   ? "directory"
                       : S_ISREG(info->st_mode) ? "file"
                       : S_ISLNK(info->st_mode) ? "link"
                                                : "something else";
    printf("%s: %s", what, kind);
    if (S_ISREG(info->st_mode)) {
        printf(" of %" PRId64 " bytes", (int64_t)info->st_size);
    }
    printf("\n");
}

static void stat_names(void)
{
    enter_grant();
    struct stat info;
    const char *const names[] = {"a.txt", "dir", ".", "dir/in.txt"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (stat(names[i], &info) == 0) {
            print_stat(names[i], &info);
        } else {
            report(names[i], -1);
        }
    }
    report("missing", stat("missing", &info));
}

static void stat_descriptor(void)
{
    enter_grant();
    struct stat by_name, by_fd;
    int fd = open("a.txt", O_RDWR);
    report("fstat", fstat(fd, &by_fd));
    report("stat", stat("a.txt", &by_name));
    printf("%s\n", by_name.st_ino == by_fd.st_ino ? "the same file" : "another file");
    report("write", write(fd, "longer than before", 18));
    report("fstat", fstat(fd, &by_fd));
    print_stat("afterwards", &by_fd);
}

static void set_times(void)
{
    enter_grant();
    struct stat info = {0};
    const struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 5},
                                      {.tv_sec = 1100000000, .tv_nsec = 6}};
    report("utimensat", utimensat(AT_FDCWD, "a.txt", times, 0));
    report("stat", stat("a.txt", &info));
    printf("%" PRId64 ".%09ld %" PRId64 ".%09ld\n", (int64_t)info.st_atim.tv_sec,
           info.st_atim.tv_nsec, (int64_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    const struct timespec one[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1200000000}};
    int fd = open("a.txt", O_RDWR);
    report("futimens", futimens(fd, one));
    report("fstat", fstat(fd, &info));
    printf("%" PRId64 " %" PRId64 "\n", (int64_t)info.st_atim.tv_sec, (int64_t)info.st_mtim.tv_sec);
}

static void ask_access(void)
{
    enter_grant();
    report("a.txt", access("a.txt", R_OK | W_OK));
    report("missing", access("missing", F_OK));
}

static void directory_as_file(void)
{
    enter_grant();
    char c;
    report("open to write", open("dir", O_WRONLY));
    int fd = open("dir", O_RDONLY | O_DIRECTORY);
    report("open", fd);
    report("read", read(fd, &c, 1));
    report("file as directory", open("a.txt", O_RDONLY | O_DIRECTORY));
}

static void beneath_descriptor(void)
{
    enter_grant();
    char bytes[16] = "";
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    int fd = openat(dir, "in.txt", O_RDONLY);
    report("openat", fd);
    report("read", read(fd, bytes, sizeof(bytes) - 1));
    printf("%s\n", bytes);
    report("upwards", openat(dir, "../a.txt", O_RDONLY));
    report("mkdirat", mkdirat(dir, "sub", 0777));
    report("unlinkat", unlinkat(dir, "sub", AT_REMOVEDIR));
}

const struct program_case directory_cases[] = {
    {"directory-make-and-remove", make_and_remove},
    {"directory-make-nested", make_nested},
    {"directory-remove-not-empty", remove_not_empty},
    {"directory-remove-file", remove_file_as_directory},
    {"directory-as-file", directory_as_file},
    {"directory-beneath-descriptor", beneath_descriptor},
    {"unlink-file", unlink_file},
    {"unlink-directory", unlink_directory},
    {"unlink-open-file", unlink_open_file},
    {"rename-file", rename_file},
    {"rename-over", rename_over},
    {"rename-directory", rename_directory},
    {"rename-wrongly", rename_wrongly},
    {"rename-replaces-at-once", replace_at_once},
    {"link-hard", hard_link},
    {"list-names", list_names},
    {"list-empty", list_empty},
    {"list-many", list_many},
    {"list-again", list_again},
    {"list-file", list_file},
    {"stat-names", stat_names},
    {"stat-descriptor", stat_descriptor},
    {"stat-set-times", set_times},
    {"stat-access", ask_access},
    {NULL, NULL},
};
