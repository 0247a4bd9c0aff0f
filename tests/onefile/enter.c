/* enter FOLDER [NAME=VALUE]... -- WORD...: becomes the words in that folder and with that environment alone. */
#include <string.h>
#include <unistd.h>

int main(int count, char **words)
{
    int behind = 2;
    while (behind < count - 1 && strcmp(words[behind], "--") != 0)
        behind++;
    words[behind] = NULL;
    if (count < 4 || chdir(words[1]) != 0)
        return 99;
    execve(words[behind + 1], words + behind + 1, words + 2);
    return 99;
}
