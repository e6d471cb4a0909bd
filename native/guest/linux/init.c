/*
 * SPDX-License-Identifier: MIT
 *
 * The first and only service of the lab's Linux guest: prepares the machine, then starts and stops one
 * workload as it is told on the second serial port, and passes on there what the workload says.
 *
 * Said to it, a line each: "start PROGRAM ARGUMENT...", "stop", "memory".
 * It says JSON, a line each: ready, started, output, exit, memory, error; and what the workload says,
 * when that is JSON itself.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LINE_BYTES 4096
#define MAX_ARGUMENTS 64

typedef struct Lines {
    char text[LINE_BYTES];
    size_t length;
} Lines;

static int control = -1;

static void say(const char *json)
{
    char line[2 * LINE_BYTES + 2];
    size_t length = snprintf(line, sizeof(line), "%s\n", json);
    size_t sent = 0;

    while (sent < length) {
        ssize_t n = write(control, line + sent, length - sent);
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return;
        }
        sent += n > 0 ? n : 0;
    }
}

/* As a JSON string, without its quotes. */
static void quote(char *to, size_t size, const char *text)
{
    size_t at = 0;

    for (; *text && at + 7 < size; text++) {
        unsigned char c = *text;
        if (c == '"' || c == '\\') {
            to[at++] = '\\';
            to[at++] = c;
        } else if (c < 0x20 || c >= 0x7f) {
            at += snprintf(to + at, size - at, "\\u%04x", c);
        } else {
            to[at++] = c;
        }
    }
    to[at] = 0;
}

static void say_text(const char *type, const char *text)
{
    char quoted[LINE_BYTES], json[LINE_BYTES + 64];

    quote(quoted, sizeof(quoted), text);
    snprintf(json, sizeof(json), "{\"type\":\"%s\",\"text\":\"%s\"}", type, quoted);
    say(json);
}

static void fail(const char *what)
{
    char text[512];

    snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
    fprintf(stderr, "init: %s\n", text);
    if (control >= 0) {
        say_text("error", text);
    }
}

static void mount_all(void)
{
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mkdir("/tmp", 01777);
    if (mount("proc", "/proc", "proc", 0, NULL) || mount("sysfs", "/sys", "sysfs", 0, NULL) ||
        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL)) {
        fail("mount");
    }
}

/* Modules as the lab has put them into /modules/list, in the order in which they need each other. */
static void load_modules(void)
{
    char name[128], path[160];
    FILE *list = fopen("/modules/list", "r");

    if (!list) {
        return;
    }
    while (fscanf(list, "%127s", name) == 1) {
        snprintf(path, sizeof(path), "/modules/%s.ko", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) {
            fail(path);
        }
        close(fd);
    }
    fclose(list);
}

static void set_up_device(const char *name, const char *address, const char *mask)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;

    snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
    in->sin_family = AF_INET;
    if (address) {
        inet_pton(AF_INET, address, &in->sin_addr);
        if (ioctl(fd, SIOCSIFADDR, &request)) {
            fail("the guest's address");
        }
        inet_pton(AF_INET, mask, &in->sin_addr);
        if (ioctl(fd, SIOCSIFNETMASK, &request)) {
            fail("the guest's network");
        }
    }
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request)) {
        fail("the guest's network device");
    }
    close(fd);
}

static void open_control(void)
{
    struct termios mode;

    control = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (control < 0) {
        fail("/dev/ttyS1");
        return;
    }
    if (tcgetattr(control, &mode) == 0) {
        cfmakeraw(&mode);
        cfsetspeed(&mode, B115200);
        tcsetattr(control, TCSANOW, &mode);
    }
}

static pid_t start(char *line, int *output)
{
    char *argv[MAX_ARGUMENTS + 1];
    int count = 0, pipes[2];
    pid_t pid;

    for (char *word = strtok(line, " "); word && count < MAX_ARGUMENTS; word = strtok(NULL, " ")) {
        argv[count++] = word;
    }
    argv[count] = NULL;
    if (count == 0 || pipe2(pipes, O_CLOEXEC)) {
        fail("start");
        return 0;
    }
    pid = fork();
    if (pid == 0) {
        sigset_t none;
        int null = open("/dev/null", O_RDONLY);

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        dup2(null, 0);
        dup2(pipes[1], 1);
        dup2(pipes[1], 2);
        execv(argv[0], argv);
        printf("%s: %s\n", argv[0], strerror(errno));
        fflush(stdout);
        _exit(127);
    }
    close(pipes[1]);
    if (pid < 0) {
        close(pipes[0]);
        fail("fork");
        return 0;
    }
    setpgid(pid, pid);
    *output = pipes[0];
    say_text("started", argv[0]);
    return pid;
}

/* Takes what can be read and calls `each` for every whole line; false at the end. */
static bool read_lines(int fd, Lines *lines, void (*each)(char *))
{
    ssize_t n = read(fd, lines->text + lines->length, sizeof(lines->text) - 1 - lines->length);
    char *end;

    if (n <= 0) {
        return n < 0 && errno == EINTR;
    }
    lines->length += n;
    lines->text[lines->length] = 0;
    while ((end = strchr(lines->text, '\n'))) {
        *end = 0;
        each(lines->text);
        lines->length -= end + 1 - lines->text;
        memmove(lines->text, end + 1, lines->length + 1);
    }
    if (lines->length == sizeof(lines->text) - 1) {
        lines->length = 0;
    }
    return true;
}

static pid_t workload;
static int output = -1;

static void on_output(char *line)
{
    if (line[0] == '{') {
        say(line);
    } else if (line[0]) {
        say_text("output", line);
    }
}

static void say_memory(void)
{
    struct sysinfo info;
    char json[160];

    sysinfo(&info);
    snprintf(json, sizeof(json), "{\"type\":\"memory\",\"totalBytes\":%llu,\"freeBytes\":%llu}",
             (unsigned long long)info.totalram * info.mem_unit,
             (unsigned long long)info.freeram * info.mem_unit);
    say(json);
}

static void on_command(char *line)
{
    if (strncmp(line, "start ", 6) == 0) {
        if (workload) {
            say_text("error", "a workload is running already");
        } else {
            workload = start(line + 6, &output);
        }
    } else if (strcmp(line, "stop") == 0) {
        if (!workload) {
            say_text("error", "no workload is running");
        } else {
            kill(-workload, SIGTERM);
        }
    } else if (strcmp(line, "memory") == 0) {
        say_memory();
    } else if (line[0]) {
        say_text("error", "unknown command");
    }
}

static void reap(Lines *said)
{
    int status;
    pid_t pid;
    char json[96];

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != workload) {
            continue;
        }
        while (read_lines(output, said, on_output)) {
            /* What it said last. */
        }
        close(output);
        output = -1;
        workload = 0;
        snprintf(json, sizeof(json), "{\"type\":\"exit\",\"status\":%d,\"signal\":%d}",
                 WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        say(json);
    }
}

int main(int argc, char **argv)
{
    static Lines commands, said;
    const char *address = NULL;
    sigset_t children;
    int signals;

    mount_all();
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "fdaddress=", 10) == 0) {
            address = argv[i] + 10;
        }
    }
    if (!address) {
        address = getenv("fdaddress");
    }
    load_modules();
    set_up_device("lo", NULL, NULL);
    if (address) {
        set_up_device("eth0", address, "255.255.255.0");
    }
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    signals = signalfd(-1, &children, SFD_CLOEXEC);
    open_control();
    say("{\"type\":\"ready\"}");

    for (;;) {
        struct pollfd fds[] = {
            {.fd = control, .events = POLLIN},
            {.fd = signals, .events = POLLIN},
            {.fd = output, .events = POLLIN},
        };
        if (poll(fds, 3, -1) < 0) {
            continue;
        }
        if (fds[2].revents & POLLIN) {
            read_lines(output, &said, on_output);
        }
        if (fds[1].revents) {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof(info)) > 0) {
                reap(&said);
            }
        } else if (fds[2].revents & POLLHUP) {
            /* Its end is told by the signal. */
            poll(fds + 1, 1, -1);
        }
        if (fds[0].revents) {
            read_lines(control, &commands, on_command);
        }
    }
}
