/* G.722 by spandsp, for comparison: "encode" takes 16 kHz s16le on stdin and gives bytes; "decode" the reverse. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <spandsp.h>

int main(int argc, char **argv) {
    static int16_t samples[320];
    static uint8_t bytes[160];
    if (argc == 2 && strcmp(argv[1], "encode") == 0) {
        g722_encode_state_t *state = g722_encode_init(NULL, 64000, 0);
        size_t count;
        while ((count = fread(samples, sizeof samples[0], 320, stdin)) > 0) {
            int written = g722_encode(state, bytes, samples, (int)count);
            fwrite(bytes, 1, (size_t)written, stdout);
        }
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "decode") == 0) {
        g722_decode_state_t *state = g722_decode_init(NULL, 64000, 0);
        size_t count;
        while ((count = fread(bytes, 1, 160, stdin)) > 0) {
            int made = g722_decode(state, samples, bytes, (int)count);
            fwrite(samples, sizeof samples[0], (size_t)made, stdout);
        }
        return 0;
    }
    fprintf(stderr, "usage: g722_oracle encode|decode\n");
    return 2;
}
