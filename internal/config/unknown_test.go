package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What others call by our name is a warning: what Kubernetes tells of a service "papertrade", what images and users have of
// their own. The shell completion's variables are cobra's, and not even that.
func TestVariablesOfOthers(t *testing.T) {
	names := []string{
		"PAPERTRADE_COLOUR", "PAPERTRADE_DIR", "PAPERTRADE_HOME", "PAPERTRADE_PORT", "PAPERTRADE_PORT_80_TCP", "PAPERTRADE_PORT_80_TCP_ADDR",
		"PAPERTRADE_PORT_80_TCP_PROTO", "PAPERTRADE_SERVICE_HOST", "PAPERTRADE_SERVICE_PORT", "PAPERTRADE_TEST_REQUIRE", "PAPERTRADE_UID",
		"PAPERTRADE_USER", "PAPERTRADE_VERSION", "PAPERTRADE__",
	}
	environ := []string{"HOME=" + home, "PAPERTRADE_ACTIVE_HELP=0", "PAPERTRADE_COMPLETION_DESCRIPTIONS=0", "PAPERTRADE_EMPTY=", "PAPERTRADES=1"}
	var want []Notice
	for _, name := range names {
		environ = append(environ, name+"=x")
		want = append(want, Notice{"variable ignored: no setting has it", "variable", name})
	}
	c, err := Load(Inputs{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c.Warnings); diff != "" {
		t.Errorf("Warnings (-want +got):\n%s", diff)
	}
}
