/* What each path answers, as Immich 3.2 would, as far as an uploader asks. */
#define _GNU_SOURCE
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ENTRY 160 /* bytes of an answer about one checksum, its id aside */

static const char TYPES[] =
    "{\"image\":[\".arw\",\".avif\",\".cr2\",\".cr3\",\".dng\",\".gif\",\".heic\",\".heif\",\".jpeg\",\".jpg\","
    "\".nef\",\".orf\",\".png\",\".raf\",\".rw2\",\".tif\",\".tiff\",\".webp\"],"
    "\"video\":[\".3gp\",\".avi\",\".m4v\",\".mkv\",\".mov\",\".mp4\",\".mpg\",\".mts\",\".webm\"],"
    "\"sidecar\":[\".xmp\"]}";
static const char FORBIDDEN[] = "{\"message\":\"Forbidden\",\"error\":\"Forbidden\",\"statusCode\":403}";
static const char NOT_FOUND[] = "{\"message\":\"Not Found\",\"statusCode\":404}";

bool unhex(const char *text, size_t bytes, uint8_t *into)
{
    for (size_t i = 0; i < bytes; i++)
        if (sscanf(text + 2 * i, "%2hhx", into + i) != 1)
            return false;
    return true;
}

static const struct {
    const char *path, *body;
} FIXED[] = {
    {"/.well-known/immich", "{\"api\":{\"endpoint\":\"/api\"}}"},
    {"/api/server/ping", "{\"res\":\"pong\"}"},
    {"/api/server/version", "{\"major\":3,\"minor\":2,\"patch\":2,\"prerelease\":null}"},
    {"/api/server/features", "{\"smartSearch\":false,\"configFile\":false,\"trash\":true}"},
    {"/api/server/config", "{\"isInitialized\":true,\"trashDays\":30}"},
    {"/api/server/media-types", TYPES},
    {"/api/server/about", "{\"version\":\"v3.2.2\",\"versionUrl\":\"\",\"licensed\":false}"},
    {"/api/server/storage", "{\"diskSizeRaw\":4000000000000,\"diskUseRaw\":0,\"diskAvailableRaw\":4000000000000}"},
    {"/api/api-keys/me",
     "{\"id\":\"00000000-0000-4000-8000-00000000000a\",\"name\":\"sink\",\"permissions\":[\"asset.upload\",\"user.read\"]}"},
    {"/api/users/me",
     "{\"id\":\"00000000-0000-4000-8000-00000000000b\",\"name\":\"sink\",\"email\":\"sink@localhost\",\"isAdmin\":false,"
     "\"quotaSizeInBytes\":null,\"quotaUsageInBytes\":0}"},
};

static int id_of(char *into, uint32_t number)
{
    return sprintf(into, "00000000-0000-4000-8000-%012x", number);
}

static void answer_upload(struct conn *c)
{
    char id[40], body[96];
    uint32_t number = 0;
    bool is_new = !c->has_sha || seen_add(c->sha, &number);

    id_of(id, number);
    int length = sprintf(body, "{\"id\":\"%s\",\"status\":\"%s\"}", id, is_new ? "created" : "duplicate");
    answer(c, is_new ? 201 : 200, body, (size_t)length);
}

/* Move to the string after `from`; return its start and set its length. NULL: there is none. */
static char *string(char *from, size_t *length)
{
    char *start = from ? strchr(from, '"') : NULL;
    if (!start)
        return NULL;
    char *end = ++start;
    while (*end && *end != '"')
        end += *end == '\\' && end[1] ? 2 : 1;
    *length = (size_t)(end - start);
    return *end ? start : NULL;
}

static bool read_sha(const char *text, size_t length, uint8_t *sha)
{
    unsigned char raw[24];
    if (length != 28) /* base64 */
        return length == 2 * SHA_BYTES && unhex(text, SHA_BYTES, sha);
    if (EVP_DecodeBlock(raw, (const unsigned char *)text, 28) < SHA_BYTES)
        return false;
    memcpy(sha, raw, SHA_BYTES);
    return true;
}

/* {"assets":[{"id":"...","checksum":"..."}, ...]}: the names in any order. */
static void answer_check(struct conn *c)
{
    char *out = malloc(c->body_have + c->body_have / 40 * ENTRY + ENTRY), *to = out;
    char *name, *value, *at = strchr(c->body, '[');
    size_t named, length;

    to += sprintf(to, "{\"results\":[");
    while (at && (at = strchr(at, '{'))) {
        char *id = NULL;
        size_t id_length = 0;
        uint8_t sha[SHA_BYTES];
        bool has_sha = false;
        uint32_t number;
        for (at++; *at != '}' && (name = string(at, &named)) && (value = string(name + named + 1, &length));) {
            if (named == 2 && !memcmp(name, "id", 2)) {
                id = value;
                id_length = length;
            } else if (named == 8 && !memcmp(name, "checksum", 8)) {
                has_sha = read_sha(value, length, sha);
            }
            at = value + length + 1;
        }
        if (!id || !has_sha)
            break;
        counts.checked++;
        to += sprintf(to, "%s{\"id\":\"%.*s\",\"action\":", to[-1] == '[' ? "" : ",", (int)id_length, id);
        if (seen_find(sha, &number)) {
            to += sprintf(to, "\"reject\",\"reason\":\"duplicate\",\"isTrashed\":false,\"assetId\":\"");
            to += id_of(to, number);
            to += sprintf(to, "\"}");
        } else {
            to += sprintf(to, "\"accept\"}");
        }
    }
    to += sprintf(to, "]}");
    answer(c, 200, out, (size_t)(to - out));
    free(out);
}

/* A line for each file: its first bytes and its checksum, in hex. */
static void learn(struct conn *c)
{
    uint8_t first[FIRST_BYTES], sha[SHA_BYTES];
    const size_t width = 2 * (FIRST_BYTES + SHA_BYTES);
    for (char *line = c->body; strlen(line) > width; line += width + 1)
        if (unhex(line, FIRST_BYTES, first) && unhex(line + (size_t)(2 * FIRST_BYTES), SHA_BYTES, sha))
            teach(first, sha);
    answer(c, 200, "{}", 2);
}

static void answer_counts(struct conn *c)
{
    struct rusage own;
    char body[400];

    getrusage(RUSAGE_SELF, &own);
    int length = sprintf(
        body,
        "{\"uploads\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"first_upload_ns\":%" PRIu64 ",\"last_upload_ns\":%" PRIu64 ",\"connections\":%" PRIu64 ","
        "\"checked\":%" PRIu64 ",\"most_uploading\":%u,\"cpu_s\":%.6f,\"rss_kib\":%ld}",
        counts.uploads, counts.bytes, counts.first_upload_ns, counts.last_upload_ns, counts.connections,
        counts.checked, counts.most_uploading,
        (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
            (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6,
        own.ru_maxrss);
    answer(c, 200, body, (size_t)length);
}

void answer_request(struct conn *c)
{
    if (c->is_upload) {
        answer_upload(c);
    } else if (!strcmp(c->path, "/api/assets/bulk-upload-check")) {
        answer_check(c);
    } else if (!strcmp(c->path, "/sink/counts")) {
        answer_counts(c);
    } else if (!strcmp(c->path, "/sink/teach")) {
        learn(c);
    } else if (!strcmp(c->path, "/sink/forget")) {
        counts = (struct counts){0};
        seen_forget();
        answer(c, 200, "{}", 2);
    } else if (!strcmp(c->path, "/sink/recount")) {
        counts = (struct counts){0};
        answer(c, 200, "{}", 2);
    } else if (!strncmp(c->path, "/api/queues", 11) || !strncmp(c->path, "/api/jobs", 9) ||
               !strncmp(c->path, "/api/system-config", 18) || !strncmp(c->path, "/api/admin", 10)) {
        answer(c, 403, FORBIDDEN, sizeof FORBIDDEN - 1);
    } else {
        for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++)
            if (!strcmp(c->path, FIXED[i].path)) {
                answer(c, 200, FIXED[i].body, strlen(FIXED[i].body));
                return;
            }
        fprintf(stderr, "sink: nobody told me about %s %s\n", c->method, c->path);
        answer(c, 404, NOT_FOUND, sizeof NOT_FOUND - 1);
    }
}
