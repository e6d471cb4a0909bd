/* Holds one thread of another process until standard input ends: hold_thread THREAD. For tests of
 * what the other threads do meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char* what) {
  perror(what);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: hold_thread THREAD\n");
    return 2;
  }
  pid_t thread = (pid_t)atoi(argv[1]);
  /* Unlike a signal, which stops all threads of a process, this stops one. */
  if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0) return fail("seize");
  if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0) return fail("interrupt");
  int status;
  if (waitpid(thread, &status, __WALL) != thread) return fail("wait");
  puts("held");
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  /* Whoever traces a thread lets go of it when it ends, too. */
  if (ptrace(PTRACE_DETACH, thread, NULL, NULL) != 0) return fail("detach");
  return 0;
}
