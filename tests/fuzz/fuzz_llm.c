/* What a language model says, whatever it is: no dialect stumbles over it, and only whole characters come out. */
#include "providers/llm_dialects.h"
#include "providers/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct llm_dialect *const dialects[] = { &llm_clova_v1, &llm_clova_v3, &llm_openai };
    static const char *const names[] = { "token", "result", "error", "" };
    struct mend m = { .count = 0 };
    struct arena a;
    struct buf out;

    arena_init(&a, 1 << 24);
    buf_init(&out, 1 << 24);
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        for (size_t n = 0; n < COUNT_OF(names); n++) {
            struct llm_said said = { .words = T("") };

            dialects[i]->event(&a, text_of(names[n]), (struct text){ (const char *)data, size }, &said);
            mend_words(&m, said.words, &out);
        }
    mend_words(&m, (struct text){ (const char *)data, size }, &out);
    mend_end(&m, &out);
    CHECK(utf8_is_valid(buf_text(&out)) && text_find(buf_text(&out), '\0') < 0);
    buf_fini(&out);
    arena_fini(&a);
    return 0;
}
