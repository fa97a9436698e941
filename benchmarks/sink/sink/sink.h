/* The sink: a server that takes uploads as fast as they come, and throws them away.
 *
 *     main.c      options, the event loop, the pace and the delay
 *     http.c      one request after the other on one connection
 *     answers.c   what each path answers, as Immich would
 *     seen.c      the checksums of what was uploaded
 */
#ifndef SINK_H
#define SINK_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdint.h>
#include <sys/types.h>

#define HEAD_MAX (32 * 1024) /* of a request, and of a form before its file */
#define SHA_BYTES 20
#define FIRST_BYTES 16 /* of a file; in the corpora no two files begin alike */
#define TAUGHT_MAX 64

enum step { HEAD, BODY, WAITING, ANSWER };

struct conn {
    int fd;
    SSL *tls;
    enum step step;
    char in[HEAD_MAX + 1]; /* what was received and not used yet */
    size_t have;
    char method[8];
    char path[128];
    bool is_upload;
    bool has_sha;
    uint8_t sha[SHA_BYTES];
    uint64_t left;    /* of the body */
    EVP_MD_CTX *hash; /* of the file, where the request did not bring its checksum */
    uint64_t hash_left;
    bool in_file;
    char boundary[96];
    char *body; /* of any other request */
    size_t body_have;
    char *out;
    size_t out_len, out_sent;
    uint64_t due_ns;
    struct conn *next; /* in the row of answers that wait */
};

struct counts {
    uint64_t uploads, bytes, first_upload_ns, last_upload_ns, connections, checked;
    unsigned uploading, most_uploading;
};

extern struct counts counts;
extern bool wants_hash;

uint64_t now_ns(void);
/* 0: the end, -1: nothing now, -2: broken. `into` NULL, not with TLS: throw the bytes away. */
ssize_t take(struct conn *c, void *into, size_t size);
void answer(struct conn *c, int status, const char *body, size_t length);

bool http_readable(struct conn *c); /* false: hang up */
void answer_request(struct conn *c);

bool seen_add(const uint8_t *sha, uint32_t *number); /* false: it was there */
bool seen_find(const uint8_t *sha, uint32_t *number);
void seen_forget(void);
void teach(const uint8_t *first, const uint8_t *sha);
bool taught_sha(const char *first, uint8_t *sha);
bool unhex(const char *text, size_t bytes, uint8_t *into);

#endif
