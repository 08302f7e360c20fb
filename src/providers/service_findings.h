/* providers: service_findings — what is to be found out about where files lie and about outside services, for a command. */
#ifndef MADANG_SERVICE_FINDINGS_H
#define MADANG_SERVICE_FINDINGS_H

void files_findings(void);
void service_findings(void); /* mail, the language model, logins by others: set, and their names known */

#endif
