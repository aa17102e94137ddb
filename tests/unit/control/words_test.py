"""Every verb and every option: in --help, in the completion, in the manual, which are clean.

words_test.py STORELINE PAGE...   PAGE: the manual pages of the daemons
"""
import os
import re
import shutil
import subprocess
import sys
import unittest

STORELINE, PAGES = sys.argv[1], sys.argv[2:]
# What DESIGN.md 9 says that there is, as far as it is built.
VERBS = ("status top watch why incidents fleet memory policy whatif discover doctor reroute throttle remark clamp restore "
         "freeze bypass resume completion").split()


def say(*words):
    """What storeline prints."""
    return subprocess.run([STORELINE, *words], capture_output=True, text=True, check=True).stdout


def complete(line):
    """What bash offers at the end of @line."""
    words = line.split(" ")
    script = ("source <({0} completion bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
              "_storeline; printf '%s\\n' \"${{COMPREPLY[@]}}\"").format(STORELINE)
    got = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                         check=True, env={**os.environ, "STORELINE_REDIS": ""})
    return got.stdout.split()


def bare(page):
    """A manual page's text without its markup."""
    return page.replace("\\-", "-").replace("\\&", "")


class Words(unittest.TestCase):
    """The tables of verbs and options, where people meet them."""

    def shortDescription(self):
        """A row is told by its name, on a line of its own."""
        return None

    def test_verbs(self):
        """The verbs of --help are all there are, and all are in the manual."""
        listed = re.findall(r"^  ([a-z]+) ", say("--help").split("\noptions:")[0], re.M)
        self.assertEqual(sorted(listed), sorted(VERBS))
        manual = bare(say("completion", "man"))
        for verb in VERBS:
            with self.subTest(verb=verb):
                self.assertRegex(manual, rf"(?m)^\.It Cm {verb}\b")
                self.assertIn(f"usage: storeline [options] {verb}", say(verb, "--help"))

    def test_completion_of_verbs(self):
        """An empty word offers every verb, a begun one its likes."""
        self.assertEqual(sorted(complete("storeline ")), sorted(VERBS))
        self.assertEqual(complete("storeline re"), ["reroute", "remark", "restore", "resume"])
        self.assertEqual(complete("storeline --site store-1 --json wh"), ["why", "whatif"])
        self.assertEqual(complete("storeline policy ro"), ["rollback"])
        self.assertEqual(complete("storeline policy re"), ["revert"])
        self.assertEqual(complete("storeline policy revert "), [])
        self.assertEqual(complete("storeline memory "), ["show", "export", "import"])
        self.assertEqual(complete("storeline throttle pos "), [])

    def test_options(self):
        """The options of each verb's help are what is offered, and all are in the manual."""
        manual = bare(say("completion", "man"))
        for verb in VERBS:
            with self.subTest(verb=verb):
                told = set(re.findall(r"^  (--[a-z-]+) ", say(verb, "--help"), re.M))
                self.assertEqual(set(complete(f"storeline {verb} --")), told)
                self.assertIn("--help", told)
                for option in told:
                    self.assertRegex(manual, rf"(?m)^\.It Fl {option[1:]}\b")

    def test_file_names(self):
        """Where a file is wanted, files are offered."""
        here = os.path.dirname(os.path.abspath(__file__))
        self.assertEqual(complete(f"storeline policy validate {here}/words_te"),
                         [f"{here}/words_test.py"])
        self.assertEqual(complete(f"storeline doctor --policy {here}/words_te"),
                         [f"{here}/words_test.py"])

    def check(self, tool, *words, page):
        """@tool has nothing to say of @page."""
        if not shutil.which(tool):
            self.skipTest(f"no {tool}")
        got = subprocess.run([tool, *words], input=page, capture_output=True, text=True, check=False)
        said = [line for line in (got.stdout + got.stderr).splitlines()
                if "referenced manual not found" not in line]
        self.assertEqual(said, [])

    def pages(self):
        """All manual pages, as text."""
        yield say("completion", "man")
        for path in PAGES:
            with open(path, encoding="utf-8") as page:
                yield page.read()

    def test_groff(self):
        """groff formats them without a warning."""
        for page in self.pages():
            self.check("groff", "-ww", "-mandoc", "-Tutf8", "-z", page=page)

    def test_mandoc(self):
        """mandoc finds nothing to say."""
        for page in self.pages():
            self.check("mandoc", "-Tlint", page=page)

    def test_no_colour_in_a_pipe(self):
        """Nothing that is no terminal gets an escape."""
        for words in (["--help"], ["completion", "bash"], ["completion", "man"]):
            self.assertNotIn("\033", say(*words))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
