/* data: store_findings — what is to be found out about Postgres and Redis, by asking them; blocking, for a command. */
#ifndef MADANG_STORE_FINDINGS_H
#define MADANG_STORE_FINDINGS_H

void pg_findings(void);
void redis_findings(void);

#endif
