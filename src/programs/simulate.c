/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate: the reactor and the resources under random load, schedules and faults, against a model.
 * A seed fixes a run to the last bit. Every violated invariant ends its run and is printed with the
 * line that repeats it. Exit 0 when there was none, 1 when there was, 2 for a wrong command line.
 */
#include "base/num.h"
#include "programs/simulate_internal.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX         64
#define SEED_CPU_SECONDS 20 /* of one seed: it hangs */
#define VIOLATIONS_MAX   1000
#define REPLAY_LINE_MAX  1024
#define SEEDS_MAX        UINT64_C(1000000000)

static const char usage[] =
    "Usage: simulate [--seed N] [--steps M] [--seeds COUNT] [--config TEXT] [OPTION]...\n"
    "       simulate --replay FILE\n"
    "\n"
    "Runs flows of scripted stages on the real reactor under a virtual clock and checks its\n"
    "invariants after every step. The same seed and steps do the same in every run and build.\n"
    "\n"
    "      --seed N       first seed (1)\n"
    "      --steps M      turns and events of each world (2000)\n"
    "      --seeds COUNT  worlds, each with its own seed (1)\n"
    "      --jobs N       processes (1)\n"
    "      --violations N stop after so many (10)\n"
    "      --twice        run every seed twice and compare what happened\n"
    "      --config TEXT  limits such as \"flows=1 stages=3 off=trap+drain\"\n"
    "      --replay FILE  run the lines `seed,steps,config` of FILE; '#' starts a comment\n"
    "      --shrink       make a failing world small and print its line for --replay\n"
    "  -v, --verbose      print every call and turn\n"
    "  -h, --help         this text\n"
    "\n"
    "What a config can switch off:\n ";

struct options {
    struct tvn_sim_config config;
    uint64_t seeds;
    uint32_t jobs;
    uint32_t violations;
    const char *replay;
    bool twice;
    bool shrink;
    bool verbose;
};

/* What processes share. */
struct shared {
    _Atomic uint64_t next; /* index of the seed that nobody has begun */
    _Atomic uint64_t runs;
    _Atomic uint64_t steps;
    _Atomic uint64_t calls;
    _Atomic uint64_t trace; /* sum, so that the order does not matter */
    struct tvn_sim_result results[JOBS_MAX];
};

static struct shared *map_shared(void)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("simulate: mmap");
        exit(2);
    }
    return shared;
}

/* CPU time, so that a loop without end is found on any machine, and only there. */
static void limit_cpu(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    rlim_t seconds = (rlim_t)used.ru_utime.tv_sec + (rlim_t)used.ru_stime.tv_sec;
    struct rlimit limit = {seconds + SEED_CPU_SECONDS, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_CPU, &limit);
}

/* What the child's end says beyond what it wrote. True: a violation. */
static bool judge_end(int status, struct tvn_sim_result *result)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return false;
    }
    if (result->text[0] == '\0') {
        int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        (void)snprintf(result->text, sizeof(result->text), "%s",
                       number == SIGABRT   ? "assertion failed"
                       : number == SIGXCPU ? "hangs"
                       : number > 0        ? strsignal(number)
                                           : "stopped by a sanitizer");
    }
    return true;
}

static pid_t fork_or_exit(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        perror("simulate: fork");
        exit(2);
    }
    return pid;
}

static void be_silent(void)
{
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) {
        _exit(2);
    }
}

bool tvn_sim_run_apart(const struct tvn_sim_config *config, struct tvn_sim_result *out_result)
{
    static struct shared *shared;
    if (!shared) {
        shared = map_shared();
    }
    struct tvn_sim_result *result = &shared->results[0];
    pid_t pid = fork_or_exit();
    if (pid == 0) {
        be_silent();
        limit_cpu();
        tvn_sim_run(config, false, result);
        _exit(0);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    bool violated = judge_end(status, result);
    *out_result = *result;
    return violated;
}

static void run_one(const struct options *options, const struct tvn_sim_config *config,
                    struct shared *shared, struct tvn_sim_result *result)
{
    limit_cpu();
    tvn_sim_run(config, options->verbose, result);
    shared->runs++;
    shared->steps += result->step;
    shared->calls += result->calls;
    shared->trace += result->trace;
    if (options->twice) {
        uint64_t trace = result->trace;
        tvn_sim_run(config, false, result);
        if (result->trace != trace) {
            (void)snprintf(result->text, sizeof(result->text),
                           "the second run of the same seed does something else");
            _exit(1);
        }
    }
}

/* A child: seeds until there are no more. */
static TVN_NORETURN void run_seeds(const struct options *options, struct shared *shared,
                                   struct tvn_sim_result *result)
{
    for (;;) {
        uint64_t index = atomic_fetch_add(&shared->next, 1);
        if (index >= options->seeds) {
            fflush(stdout);
            _exit(0);
        }
        struct tvn_sim_config config = options->config;
        config.seed += index;
        run_one(options, &config, shared, result);
    }
}

static void print_line(const struct tvn_sim_config *config, FILE *stream)
{
    char text[TVN_SIM_TEXT_MAX];
    tvn_sim_config_print(config, text);
    fprintf(stream, "%" PRIu64 ",%" PRIu64 ",%s\n", config->seed, config->steps, text);
}

static void print_violation(const struct options *options, const struct tvn_sim_config *config,
                            const struct tvn_sim_result *result)
{
    struct tvn_sim_config line = *config;
    struct tvn_sim_result last = *result;
    if (options->shrink) {
        tvn_sim_shrink(config, result, &line, &last);
    }
    printf("violation at step %" PRIu64, last.step);
    if (last.flow != TVN_SIM_ANY) {
        printf(", flow %" PRIu32 ".%" PRIu32, last.flow, last.life);
    }
    printf(": %s\nrepeat with ", last.text);
    print_line(&line, stdout);
}

static int run_all(const struct options *options)
{
    struct shared *shared = map_shared();
    pid_t pids[JOBS_MAX] = {0};
    uint32_t running = 0;
    uint32_t violations = 0;
    for (;;) {
        for (uint32_t i = 0; i < options->jobs && atomic_load(&shared->next) < options->seeds;
             i++) {
            if (pids[i] == 0) {
                shared->results[i] = (struct tvn_sim_result){0};
                pids[i] = fork_or_exit();
                if (pids[i] == 0) {
                    run_seeds(options, shared, &shared->results[i]);
                }
                running++;
            }
        }
        if (running == 0) {
            break;
        }
        int status = 0;
        pid_t ended = wait(&status);
        for (uint32_t i = 0; i < options->jobs; i++) {
            if (pids[i] != ended) {
                continue;
            }
            pids[i] = 0;
            running--;
            if (judge_end(status, &shared->results[i])) {
                struct tvn_sim_config config = options->config;
                config.seed = shared->results[i].seed;
                print_violation(options, &config, &shared->results[i]);
                if (++violations == options->violations) {
                    atomic_store(&shared->next, options->seeds);
                }
            }
        }
    }
    printf("%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " calls, %" PRIu32
           " violations, trace %016" PRIx64 "\n",
           atomic_load(&shared->runs), atomic_load(&shared->steps), atomic_load(&shared->calls),
           violations, atomic_load(&shared->trace));
    return violations > 0 ? 1 : 0;
}

/* "seed,steps,config" */
static bool parse_line(const char *line, struct tvn_sim_config *out_config)
{
    const char *first = strchr(line, ',');
    const char *second = first ? strchr(first + 1, ',') : NULL;
    tvn_sim_config_default(out_config);
    return second && tvn_parse_u64(line, (size_t)(first - line), &out_config->seed) &&
           tvn_parse_u64(first + 1, (size_t)(second - first - 1), &out_config->steps) &&
           tvn_sim_config_parse(second + 1, out_config);
}

static int replay(const struct options *options)
{
    FILE *file = fopen(options->replay, "re");
    if (!file) {
        perror(options->replay);
        return 2;
    }
    char line[REPLAY_LINE_MAX];
    uint32_t runs = 0;
    uint32_t violations = 0;
    while (fgets(line, sizeof(line), file)) {
        struct tvn_sim_config config;
        struct tvn_sim_result result;
        line[strcspn(line, "#\n")] = '\0';
        if (line[strspn(line, " ")] == '\0') {
            continue;
        }
        if (!parse_line(line, &config)) {
            fprintf(stderr, "%s: not 'seed,steps,config': %s\n", options->replay, line);
            (void)fclose(file);
            return 2;
        }
        runs++;
        if (tvn_sim_run_apart(&config, &result)) {
            violations++;
            print_violation(options, &config, &result);
        }
    }
    (void)fclose(file);
    printf("%" PRIu32 " runs, %" PRIu32 " violations\n", runs, violations);
    return violations > 0 ? 1 : 0;
}

static int print_help(void)
{
    fputs(usage, stdout);
    for (unsigned fault = 0; fault < TVN_SIM_FAULT_COUNT; fault++) {
        printf(" %s%s", tvn_sim_fault_name((enum tvn_sim_fault)fault),
               fault % 8 == 7 && fault + 1 < TVN_SIM_FAULT_COUNT ? "\n " : "");
    }
    putchar('\n');
    return 0;
}

static bool number(const char *text, uint64_t first, uint64_t last, uint64_t *out_value)
{
    return tvn_parse_u64(text, strlen(text), out_value) && *out_value >= first &&
           *out_value <= last;
}

enum { SEED = 256, STEPS, SEEDS, JOBS, VIOLATIONS, TWICE, CONFIG, REPLAY, SHRINK };

static bool parse_option(int option, struct options *options)
{
    uint64_t value = 0;
    switch (option) {
    case SEED:
        return number(optarg, 0, UINT64_MAX - SEEDS_MAX, &options->config.seed);
    case STEPS:
        return number(optarg, 0, UINT64_C(1) << 40, &options->config.steps);
    case SEEDS:
        return number(optarg, 1, SEEDS_MAX, &options->seeds);
    case JOBS:
        if (!number(optarg, 1, JOBS_MAX, &value)) {
            return false;
        }
        options->jobs = (uint32_t)value;
        return true;
    case VIOLATIONS:
        if (!number(optarg, 1, VIOLATIONS_MAX, &value)) {
            return false;
        }
        options->violations = (uint32_t)value;
        return true;
    case TWICE:
        options->twice = true;
        return true;
    case CONFIG:
        return tvn_sim_config_parse(optarg, &options->config);
    case REPLAY:
        options->replay = optarg;
        return true;
    case SHRINK:
        options->shrink = true;
        return true;
    case 'v':
        options->verbose = true;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"seed", required_argument, NULL, SEED},
        {"steps", required_argument, NULL, STEPS},
        {"seeds", required_argument, NULL, SEEDS},
        {"jobs", required_argument, NULL, JOBS},
        {"violations", required_argument, NULL, VIOLATIONS},
        {"twice", no_argument, NULL, TWICE},
        {"config", required_argument, NULL, CONFIG},
        {"replay", required_argument, NULL, REPLAY},
        {"shrink", no_argument, NULL, SHRINK},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.seeds = 1, .jobs = 1, .violations = 10};
    tvn_sim_config_default(&options.config);
    options.config.seed = 1;
    int option;
    while ((option = getopt_long(argc, argv, "vh", names, NULL)) != -1) {
        if (option == 'h') {
            return print_help();
        }
        if (!parse_option(option, &options)) {
            fprintf(stderr, "simulate: wrong command line, see simulate --help\n");
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "simulate: '%s' is not an option, see simulate --help\n", argv[optind]);
        return 2;
    }
    return options.replay ? replay(&options) : run_all(&options);
}
