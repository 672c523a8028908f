# METADATA
# title: Commands in tool calls
# description: >-
#   Finds a command among the arguments of a tool call in its plain spellings: other white space, letter case, quotes,
#   backslashes, order and grouping of options, long options, a path before the program, `sudo` and the like, lists of
#   words, and arguments at any depth. Does not find what a shell or an interpreter has to compute first: variables,
#   encodings, aliases, programs that are downloaded.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.commands

# METADATA
# title: Whether a tool call runs a command
# description: >-
#   `wanted` is a program (a glob), the words that must follow it first, and options that must be there; `|` stands
#   between alternatives: `rm -r|--recursive -f|--force`, `drop database|schema`. Arguments that carry commands, and all
#   arguments of tools that run some, are searched throughout; of others the beginning counts, so that a document may
#   speak of a command.
runs(call, wanted) if {
	some text in _command_texts(call)
	_names(_clean(text), `(^|[\s/;|&()<>{}\[\]\x60!@])`, wanted)
} else if {
	some text in _texts(call)
	_names(_clean(substring(text, 0, 500)), _beginning, wanted)
}

# METADATA
# title: A text as the shell sees it
# description: >-
#   In lower case, without quotes and backslashes, with one space between words.
plain(text) := trim_space(regex.replace(_clean(text), `\s+`, " "))

# METADATA
# title: A name without its spelling
# description: >-
#   In lower case and without separators: `dropDatabase`, `DROP-DATABASE` and `drop_database` are one name.
bare_name(name) := regex.replace(lower(name), `[\s_.:/-]+`, "")

_tools := [
	"*bash*", "*shell*", "*terminal*", "*exec*", "*command*", "*cmd*", "*console*", "*ssh*", "*sql*", "*database*",
	"run*", "*script*", "*python*", "*interpreter*",
]

_arguments := [
	"command*", "*command", "*commands", "cmd*", "*cmd", "script*", "*script", "code", "*code", "*shell", "bash", "sh",
	"exec*", "arg", "args", "argv", "arguments", "program", "run", "sql", "*sql", "statement*",
]

_any_matches(patterns, name) if {
	some pattern in patterns
	glob.match(pattern, null, bare_name(name))
}

_command_texts(call) := _texts(call) if {
	_any_matches(_tools, call.name)
} else := {text |
	some [path, text] in _located(call.arguments)
	some step in path
	is_string(step)
	_any_matches(_arguments, step)
} | _with_words(call.arguments)

# A program in one argument and its words in another.
_with_words(arguments) := {text |
	walk(arguments, [_, node])
	is_object(node)
	some name, value in node
	_any_matches(_arguments, name)
	some other, more in node
	other != name
	_any_matches(_arguments, other)
	text := concat(" ", [_joined(value), _joined(more)])
}

_texts(call) := {text | some [_, text] in _located(call.arguments)} | _with_words(call.arguments)

_located(arguments) := {[path, text] |
	walk(arguments, [path, node])
	text := _joined(node)
}

# A text, or a list of words.
_joined(node) := node if {
	is_string(node)
} else := concat(" ", [word | some word in node; is_string(word)]) if {
	is_array(node)
}

_clean(text) := regex.replace(
	regex.replace(
		regex.replace(lower(text), `\\\r?\n`, ""),
		`(?s)/\*.*?\*/|\$\{?ifs\}?|,`, " ",
	),
	`["'\\$]`, "",
)

# What may stand before a command.
_beginning := concat("", [
	`^\s*[!@]?((sudo|doas|env|nohup|nice|time|exec|command|builtin|busybox|xargs)\s+|-\S*\s+|\w+=\S*\s+)*`,
	`([^\s;|&()<>{}\[\]\x60]*/)?`,
])

# One expression for each option, so that a long text costs as little as its length: engines match in linear time.
_names(text, before, wanted) if {
	every expression in _expressions(lower(wanted)) {
		regex.match(concat("", [before, expression]), text)
	}
}

_expressions(wanted) := {concat("", [command, option]) | some option in options} if {
	parts := split(wanted, " ")
	command := concat(`\s+(-\S+\s+)*`, [_either(part) | some part in parts; not startswith(part, "-")])
	options := [_option(part) | some part in parts; startswith(part, "-")]
	options != []
} else := {concat("", [concat(`\s+(-\S+\s+)*`, [_either(part) | some part in split(wanted, " ")]), _end])}

_end := `($|[\s;|&()<>{}\[\]\x60])`

_either(alternatives) := sprintf("(%s)", [replace(replace(alternatives, ".", `\.`), "*", `\S*`)])

# Somewhere behind the command and before its end; a redirection or a bracket ends none.
_option(alternatives) := sprintf(`\s(([^;|&()\x60\r\n]|[<>]&|&>)*\s)?(%s)`, [concat("|", [_spelt(option) |
	some option in split(alternatives, "|")
])])

# A long option may be cut short, as getopt_long takes it, and short ones may stand together.
_spelt(option) := sprintf("(%s)(=|%s)", [
	concat("|", [substring(option, 0, length) | some length in numbers.range(3, count(option))]),
	_end,
]) if {
	startswith(option, "--")
} else := sprintf("-[a-z0-9]*%s", [substring(option, 1, -1)])
