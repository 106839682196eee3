// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * views [control=on|off] LOWER MOUNTPOINT [LOWER MOUNTPOINT]...
 *
 * A C++ program with several views, for tests of the library. Prints "mounted" once all views are
 * mounted, "N ended R" when view N has ended and is freed, and lines "N LEVEL TEXT" of the log of
 * view N. It keeps the signals as a new process has them, and ends at the end of standard input.
 */
#include <penstock/penstock.h>

#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace
{

std::mutex output;

void print(const std::string &line)
{
	std::lock_guard<std::mutex> guard(output);

	std::puts(line.c_str());
	std::fflush(stdout);
}

void log_line(void *aux, pst_log_level level, const char *text)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	print(*static_cast<std::string *>(aux) + " " + names[level] + " " + text);
}

void wait_for_end(pst_view *view, const std::string &name)
{
	int r = pst_view_wait(view);

	pst_view_free(view);
	print(name + " ended " + std::to_string(r));
}

int fail(const std::string &text)
{
	std::fprintf(stderr, "views: %s\n", text.c_str());
	return 1;
}

} // namespace

int main(int argc, char **argv)
{
	std::vector<std::string> names{ "0", "1", "2", "3" };
	std::vector<std::thread> threads;
	pst_control control = PST_CONTROL_AUTO;
	int first = 1;

	if (argc > 1 && std::strncmp(argv[1], "control=", 8) == 0) {
		control = std::strcmp(argv[1], "control=on") == 0 ? PST_CONTROL_ON :
								    PST_CONTROL_OFF;
		first = 2;
	}
	for (int i = first; i + 1 < argc && threads.size() < names.size(); i += 2) {
		pst_view_options options = PST_VIEW_OPTIONS_INIT;
		std::string &name = names[threads.size()];
		pst_view *view = nullptr;
		pst_error error;

		options.lower = argv[i];
		options.mountpoint = argv[i + 1];
		options.control = control;
		options.log = log_line;
		options.log_aux = &name;
		options.log_level = PST_LOG_DEBUG;
		if (pst_view_mount(&options, &view, &error) < 0)
			return fail(error.text);
		threads.emplace_back(wait_for_end, view, name);
	}
	print("mounted");
	while (std::getchar() != EOF)
		;
	for (std::thread &thread : threads)
		thread.join();
	return 0;
}
