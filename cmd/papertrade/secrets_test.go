package main

import "testing"

// What looks for secrets in all that the program emits finds them, however they are written.
func TestSecretIn(t *testing.T) {
	for _, text := range []string{
		apiKey, "topsecretapikey0", "%54OPSECRETAPIKEY%30", "&#x54;OPSECRETAPIKEY0", `\u0054OPSECRETAPIKEY0`, "TOPSECRET\x00APIKEY0",
		"TOPSECRET\u200bAPIKEY0", databasePassword, pingSecret,
	} {
		if secretIn("key="+text+";") == "" {
			t.Errorf("nothing is found in %q", text)
		}
	}
	if secret := secretIn("TOPSECRET APIKEY0 ***"); secret != "" {
		t.Errorf("%s is found where it is not", secret)
	}
}
