/* Options, the event loop, the pace and the delay.
 *
 *     sink [--port N] [--delay-ms N] [--bytes-per-s N] [--hash] [--cert FILE --key FILE]
 *
 * It prints its port when it listens. `--delay-ms`: every answer comes so much later than it
 * could. `--bytes-per-s`: so much is taken in from all connections together. `--hash`: learn the
 * checksums of files that come without one, so that they can be asked for. One thread, no copies
 * where nobody needs the bytes: it takes in several times of what a client can send.
 */
#define _GNU_SOURCE
#include "sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64
#define NS 1000000000ULL
#define CAPPED_BUFFER (128 * 1024) /* bytes that a slow wire holds; more would hide how slow it is */

struct counts counts;
bool wants_hash;

static uint64_t delay_ns;
static double bytes_per_s, budget, quantum;
static uint64_t budget_at_ns;
static int poll_fd;
static SSL_CTX *tls;
static struct conn *first_due, *last_due;

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

/* How long to sleep until something may be taken in again; 0: now. */
static uint64_t pause_ns(void)
{
    if (!bytes_per_s)
        return 0;
    uint64_t now = now_ns();
    budget += (double)(now - budget_at_ns) * bytes_per_s / NS;
    budget_at_ns = now;
    if (budget > 4 * quantum)
        budget = 4 * quantum; /* what nobody sent is lost, as on a wire */
    return budget >= quantum ? 0 : (uint64_t)((quantum - budget) / bytes_per_s * NS) + 1;
}

ssize_t take(struct conn *c, void *into, size_t size)
{
    ssize_t count;

    if (bytes_per_s) {
        if (budget < 1)
            return -1;
        if ((double)size > budget)
            size = (size_t)budget;
    }
    if (c->tls) {
        count = SSL_read(c->tls, into, (int)size);
        if (count <= 0) {
            int error = SSL_get_error(c->tls, (int)count);
            if (error == SSL_ERROR_ZERO_RETURN)
                return 0;
            return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -1 : -2;
        }
    } else {
        count = recv(c->fd, into, size, into ? 0 : MSG_TRUNC);
        if (count < 0)
            return errno == EAGAIN ? -1 : -2;
    }
    budget -= (double)count;
    return count;
}

static bool put(struct conn *c)
{
    while (c->out_sent < c->out_len) {
        size_t left = c->out_len - c->out_sent;
        ssize_t count = c->tls ? SSL_write(c->tls, c->out + c->out_sent, (int)left)
                               : send(c->fd, c->out + c->out_sent, left, MSG_NOSIGNAL);
        if (count <= 0) {
            bool later = c->tls ? SSL_get_error(c->tls, (int)count) == SSL_ERROR_WANT_WRITE : errno == EAGAIN;
            struct epoll_event want = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
            if (later)
                epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &want);
            return later;
        }
        c->out_sent += (size_t)count;
    }
    free(c->out);
    c->out = NULL;
    c->step = HEAD;
    return true;
}

void answer(struct conn *c, int status, const char *body, size_t length)
{
    c->out = malloc(length + 160);
    c->out_len = (size_t)sprintf(
        c->out,
        "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
        "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n",
        status, status < 300 ? "OK" : "No", length);
    memcpy(c->out + c->out_len, body, length);
    c->out_len += length;
    c->out_sent = 0;
    if (!delay_ns) {
        c->step = ANSWER;
        put(c); /* a connection that broke shows it at its next read */
        return;
    }
    c->step = WAITING;
    c->due_ns = now_ns() + delay_ns;
    c->next = NULL;
    if (last_due)
        last_due->next = c;
    else
        first_due = c;
    last_due = c;
}

static void hang_up(struct conn *c)
{
    struct conn **at = &first_due, *before = NULL;
    while (*at && *at != c)
        at = &(before = *at)->next;
    if (*at) {
        *at = c->next;
        if (last_due == c)
            last_due = before;
    }
    if (c->tls)
        SSL_free(c->tls);
    close(c->fd);
    EVP_MD_CTX_free(c->hash);
    free(c->body);
    free(c->out);
    free(c);
}

static void welcome(int door)
{
    int fd, one = 1;
    while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        struct epoll_event want = {.events = EPOLLIN, .data.ptr = c};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        if (tls) {
            c->tls = SSL_new(tls);
            SSL_set_fd(c->tls, fd);
            SSL_set_accept_state(c->tls);
        }
        counts.connections++;
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &want);
    }
}

static void answer_what_is_due(void)
{
    uint64_t now = first_due ? now_ns() : 0;
    while (first_due && first_due->due_ns <= now) {
        struct conn *c = first_due;
        first_due = c->next;
        if (!first_due)
            last_due = NULL;
        c->step = ANSWER;
        put(c);
    }
}

static void serve(int door)
{
    struct epoll_event ready[EVENTS], want = {.events = EPOLLIN, .data.ptr = NULL};

    epoll_ctl(poll_fd, EPOLL_CTL_ADD, door, &want);
    for (unsigned turn = 0;; turn++) {
        uint64_t sleep_ns = pause_ns();
        if (sleep_ns) {
            struct timespec nap = {(time_t)(sleep_ns / NS), (long)(sleep_ns % NS)};
            nanosleep(&nap, NULL);
            answer_what_is_due();
            continue;
        }
        struct timespec until = {0, 0};
        if (first_due) {
            uint64_t now = now_ns(), wait = first_due->due_ns > now ? first_due->due_ns - now : 0;
            until = (struct timespec){(time_t)(wait / NS), (long)(wait % NS)};
        }
        int count = epoll_pwait2(poll_fd, ready, EVENTS, first_due ? &until : NULL, NULL);
        answer_what_is_due();
        for (int i = 0; i < count; i++) {
            /* Another one is first each time: where the wire is slow, the first takes it all. */
            struct epoll_event *event = ready + (turn + (unsigned)i) % (unsigned)count;
            struct conn *c = event->data.ptr;
            if (!c) {
                welcome(door);
                continue;
            }
            if (event->events & EPOLLOUT) {
                struct epoll_event less = {.events = EPOLLIN, .data.ptr = c};
                epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &less);
                put(c);
            }
            if (!http_readable(c))
                hang_up(c);
        }
    }
}

static int listen_at(uint16_t *port)
{
    int one = 1, small = CAPPED_BUFFER, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;

    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bytes_per_s)
        setsockopt(door, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 1024) ||
        getsockname(door, (struct sockaddr *)&at, &size)) {
        perror("sink: cannot listen");
        exit(1);
    }
    *port = ntohs(at.sin_port);
    return door;
}

static void use_tls(const char *cert, const char *key)
{
    tls = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 || SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "sink: cannot use %s with %s\n", cert, key);
        exit(1);
    }
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"port", required_argument, NULL, 'p'}, {"delay-ms", required_argument, NULL, 'd'},
        {"bytes-per-s", required_argument, NULL, 'b'}, {"hash", no_argument, NULL, 'h'},
        {"cert", required_argument, NULL, 'c'}, {"key", required_argument, NULL, 'k'}, {0},
    };
    const char *cert = NULL, *key = NULL;
    uint16_t port = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 'p': port = (uint16_t)atoi(optarg); break;
        case 'd': delay_ns = (uint64_t)(atof(optarg) * 1e6); break;
        case 'b': bytes_per_s = atof(optarg); break;
        case 'h': wants_hash = true; break;
        case 'c': cert = optarg; break;
        case 'k': key = optarg; break;
        default: return 2;
        }
    }
    if (bytes_per_s && cert) {
        fprintf(stderr, "sink: a slow wire with TLS is more than I can\n");
        return 2;
    }
    quantum = bytes_per_s / 1000 < 2048 ? 2048 : bytes_per_s / 1000 > 65536 ? 65536 : bytes_per_s / 1000;
    budget_at_ns = now_ns();
    if (cert)
        use_tls(cert, key);
    signal(SIGPIPE, SIG_IGN);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int door = listen_at(&port);
    printf("%d\n", port);
    fflush(stdout);
    serve(door);
}
