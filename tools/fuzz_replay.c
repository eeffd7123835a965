// Runs a fuzz target over the files of its corpus, for compilers without libFuzzer.

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TVN_REPLAY_FILE_MAX (16U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file) {
        perror(path);
        return 1;
    }
    uint8_t *data = malloc(TVN_REPLAY_FILE_MAX);
    size_t size = data ? fread(data, 1, TVN_REPLAY_FILE_MAX, file) : 0;
    int failed = !data || ferror(file);
    (void)fclose(file);
    // An exact copy, so that a read behind the end is seen.
    uint8_t *exact = failed ? NULL : malloc(size ? size : 1);
    if (exact) {
        memcpy(exact, data, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
    } else {
        fprintf(stderr, "%s: cannot read\n", path);
        failed = 1;
    }
    free(exact);
    free(data);
    return failed;
}

static int replay_directory(const char *directory, unsigned *count)
{
    DIR *dir = opendir(directory);
    if (!dir) {
        return replay_file(directory);
    }
    int failed = 0;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof(path)) {
            failed = 1;
            continue;
        }
        failed |= replay_file(path);
        (*count)++;
    }
    (void)closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    unsigned count = 0;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        failed |= replay_directory(argv[i], &count);
    }
    printf("%u inputs replayed\n", count);
    return failed || count == 0;
}
