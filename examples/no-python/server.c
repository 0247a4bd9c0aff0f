/* A small web server: counts visits in /data/visits, and says who counted. What stands for a program of yours. */
#include <arpa/inet.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As PID 1 it must end by TERM itself: the kernel does it only for others. */
static void end(int number)
{
    (void)number;
    _exit(0);
}

static int count(void)
{
    int visits = 0;
    FILE *file = fopen("/data/visits", "r");
    if (file) {
        if (fscanf(file, "%d", &visits) != 1)
            visits = 0;
        fclose(file);
    }
    file = fopen("/data/visits", "w");
    if (!file || fprintf(file, "%d\n", ++visits) < 0 || fclose(file) != 0)
        perror("/data/visits");
    return visits;
}

static void answer(int client)
{
    char asked[4096], told[256], name[32];
    struct passwd *user = getpwuid(getuid());
    if (user)
        snprintf(name, sizeof name, "%s", user->pw_name);
    else
        snprintf(name, sizeof name, "user %d", (int)getuid());
    snprintf(told, sizeof told, "HTTP/1.0 200 OK\r\n\r\nvisit %d, counted by %s\n", count(), name);
    if (read(client, asked, sizeof asked) < 0 || write(client, told, strlen(told)) < 0)
        perror("a visit");
    close(client);
}

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(8000)};
    int listening = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    signal(SIGTERM, end);
    signal(SIGPIPE, SIG_IGN);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listening, (struct sockaddr *)&here, sizeof here) != 0 || listen(listening, 16) != 0) {
        perror("port 8000");
        return 1;
    }
    for (;;) {
        int client = accept(listening, NULL, NULL);
        if (client >= 0)
            answer(client);
    }
}
