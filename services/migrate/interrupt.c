/* A signalfd. The state is the process's, as signals are. */
#include "interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { GRACE_S = 4 };

static int signal_fd = -1;
static bool requested;

void interrupt_begin(void)
{
    sigset_t held;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &held, NULL);
    signal_fd = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool interrupt_requested(void)
{
    struct signalfd_siginfo info;
    if (!requested && read(signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        requested = true;
        (void)alarm(GRACE_S);
    }
    return requested;
}

int interrupt_fd(void)
{
    return signal_fd;
}

void interrupt_sleep(uint32_t ms)
{
    struct pollfd fd = {.fd = signal_fd, .events = POLLIN};
    if (!interrupt_requested())
        (void)poll(&fd, 1, (int)ms);
}
