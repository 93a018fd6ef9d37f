package config

// Notice is something about the settings that is allowed, and that the user should know.
type Notice struct {
	Message      string // a constant
	Field, Value string // what it is about: "variable", "file", "database"
}
