/* The letters that the accounts feature sends. */
#include "accounts_parts.h"

#include "madang/config.h"
#include "madang/hub.h"
#include "madang/mail.h"

static problem post_as(struct store_on on, struct text key, struct text to, bool korean, const char *subject_ko,
                       const char *subject_en, struct text body_ko, struct text body_en)
{
    struct mail m = { to, text_of(korean ? subject_ko : subject_en), korean ? body_ko : body_en };

    return mail_queue(on, &m, key);
}

static problem post(struct store_on on, struct text to, bool korean, const char *subject_ko, const char *subject_en,
                    struct text body_ko, struct text body_en)
{
    return post_as(on, T(""), to, korean, subject_ko, subject_en, body_ko, body_en);
}

static struct text link_key(struct call *c, int64_t account)
{
    return topic_of(c->arena, "password", account);
}

problem letter_password_drop(struct store_on on, int64_t account)
{
    return mail_drop(on, link_key(on.call, account));
}

problem letter_code(struct call *c, struct store_on on, struct text to, struct text code, bool korean)
{
    return post(on, to, korean, "[마당] 인증 번호", "[madang] Your code",
                arena_printf(c->arena,
                             "인증 번호는 %.*s 입니다.\n10분 안에 입력해 주세요. 요청하지 않으셨다면 무시하셔도 됩니다.\n",
                             TEXT_ARG(code)),
                arena_printf(c->arena,
                             "Your code is %.*s.\nIt is good for 10 minutes. "
                             "If you did not ask for it, ignore this letter.\n",
                             TEXT_ARG(code)));
}

problem letter_known(struct call *c, struct text to, bool korean)
{
    return post(store_on_call(c), to, korean, "[마당] 이미 가입된 주소입니다", "[madang] You have an account already",
                T("이 주소로 가입을 시도했지만 이미 계정이 있습니다. 로그인하거나 비밀번호를 다시 설정해 주세요.\n"),
                T("Somebody tried to sign up with this address, which has an account already. Log in, or set a new password.\n"));
}

problem letter_password(struct call *c, struct store_on on, int64_t account, struct text to, struct text token, bool korean)
{
    struct text url =
        arena_printf(c->arena, "%.*s/password-reset?token=%.*s", TEXT_ARG(config->http_public_url), TEXT_ARG(token));

    return post_as(on, link_key(c, account), to, korean, "[마당] 비밀번호 재설정", "[madang] Set a new password",
                   arena_printf(c->arena, "아래 주소에서 30분 안에 새 비밀번호를 정해 주세요.\n%.*s\n", TEXT_ARG(url)),
                   arena_printf(c->arena, "Set a new password here within 30 minutes:\n%.*s\n", TEXT_ARG(url)));
}

problem letter_password_changed(struct call *c, struct store_on on, struct text to, bool korean)
{
    (void)c;
    return post(on, to, korean, "[마당] 비밀번호가 변경되었습니다", "[madang] Your password was changed",
                T("비밀번호가 변경되어 다른 접속을 모두 끊었습니다. 직접 하신 일이 아니라면 바로 비밀번호를 재설정해 주세요.\n"),
                T("Your password was changed and all other sessions have ended. If it was not you, set a new one at once.\n"));
}
