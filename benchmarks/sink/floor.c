/* The floor: what it costs to read, hash and send files, and nothing else.
 *
 *     floor PORT CONNECTIONS LIST
 *
 * LIST names one file a line. Each is read and hashed (SHA-1 of libcrypto) and sent as Immich's
 * form over one of so many keep-alive connections to 127.0.0.1: small ones from memory in one
 * system call, others with sendfile. Films of more than ONCE bytes are hashed as they are sent,
 * as an uploader must that wants to read them once. Nobody is asked what is there already,
 * nothing is remembered, nothing confirmed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK (256 * 1024) /* stays in the cache of a core from read to hash */
#define ONCE (24 * 1024 * 1024)
#define BOUNDARY "0123456789abcdef0123456789abcdef"
#define TAIL "\r\n--" BOUNDARY "--\r\n"
#define FIELD(name, value) "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

static char **paths;
static size_t path_count;
static atomic_size_t next_path;
static int port;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void send_all(int to, struct iovec *parts, int count, int flags)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    while (message.msg_iovlen) {
        ssize_t sent = sendmsg(to, &message, flags | MSG_NOSIGNAL);
        if (sent < 0)
            die("send");
        while (message.msg_iovlen && (size_t)sent >= message.msg_iov->iov_len) {
            sent -= (ssize_t)message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen) {
            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
            message.msg_iov->iov_len -= (size_t)sent;
        }
    }
}

static size_t frame(char *into, const char *name, uint64_t size, const unsigned char *sha)
{
    char form[2048], checksum[80] = "";
    int length = sprintf(form,
                         FIELD("fileCreatedAt", "2024-06-01T12:30:00.000+02:00")
                             FIELD("fileModifiedAt", "2024-06-01T12:30:00.000+02:00") FIELD("filename", "%s")
                                 "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"assetData\"; filename=\"%s\"\r\n"
                                 "Content-Type: application/octet-stream\r\n\r\n",
                         name, name);
    if (sha) {
        char *to = checksum + sprintf(checksum, "x-immich-checksum: ");
        for (int i = 0; i < 20; i++)
            to += sprintf(to, "%02x", sha[i]);
        strcpy(to, "\r\n");
    }
    return (size_t)sprintf(into,
                           "POST /api/assets HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: application/json\r\n"
                           "x-api-key: floor\r\nContent-Type: multipart/form-data; boundary=" BOUNDARY
                           "\r\n%sContent-Length: %" PRIu64 "\r\n\r\n%s",
                           port, checksum, (uint64_t)length + size + sizeof TAIL - 1, form);
}

static void send_one(int to, const char *path, char *block, EVP_MD_CTX *hash)
{
    char head[4096], reply[4096];
    unsigned char sha[20];
    struct stat state;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0 || fstat(from, &state))
        die(path);
    uint64_t size = (uint64_t)state.st_size;
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    bool once = size > ONCE;
    struct iovec parts[3] = {{head, 0}, {block, 0}, {TAIL, sizeof TAIL - 1}};
    ssize_t count;

    EVP_DigestInit_ex(hash, EVP_sha1(), NULL);
    if (once) {
        parts[0].iov_len = frame(head, name, size, NULL);
        send_all(to, parts, 1, MSG_MORE);
    }
    while ((count = read(from, block, BLOCK)) > 0) {
        EVP_DigestUpdate(hash, block, (size_t)count);
        if (once) {
            struct iovec data = {block, (size_t)count};
            send_all(to, &data, 1, MSG_MORE);
        }
        if (size <= (uint64_t)count)
            break;
    }
    EVP_DigestFinal_ex(hash, sha, NULL);
    if (!once) {
        parts[0].iov_len = frame(head, name, size, sha);
        if (size <= BLOCK) {
            parts[1].iov_len = size;
            send_all(to, parts, 3, 0);
        } else {
            send_all(to, parts, 1, MSG_MORE);
            for (off_t at = 0; (uint64_t)at < size;)
                if (sendfile(to, from, &at, size - (uint64_t)at) <= 0)
                    die("sendfile");
        }
    }
    if (size > BLOCK)
        send_all(to, parts + 2, 1, 0);
    close(from);
    if (recv(to, reply, sizeof reply, 0) < 12 || memcmp(reply + 9, "20", 2))
        die("no asset was made");
}

static void *work(void *unused)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char *block = malloc(BLOCK);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();

    if (connect(to, (struct sockaddr *)&at, sizeof at))
        die("connect");
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (size_t i; (i = atomic_fetch_add(&next_path, 1)) < path_count;)
        send_one(to, paths[i], block, hash);
    close(to);
    return unused;
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    FILE *list = argc == 4 ? fopen(argv[3], "r") : NULL;

    if (!list)
        die("floor PORT CONNECTIONS LIST");
    port = atoi(argv[1]);
    int workers = atoi(argv[2]);
    while ((length = getline(&line, &room, list)) > 0) {
        line[length - 1] = 0;
        paths = realloc(paths, (path_count + 1) * sizeof *paths);
        paths[path_count++] = strdup(line);
    }
    pthread_t threads[workers];
    for (int i = 0; i < workers; i++)
        pthread_create(threads + i, NULL, work, NULL);
    for (int i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
}
