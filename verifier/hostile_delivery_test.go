package verifier_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/stashring/stashring/verifier"
)

// wrongDestinations changes in one place the URL at which a delivery arrives, or
// the one that was signed.
func wrongDestinations() []trick {
	good := sealed(usualHeader, payload())
	var all []trick
	for name, arrived := range map[string]string{
		"unknown":                    "",
		"another scheme":             "http://hooks.example.com/orders/a%2Fb?a=1&b=2",
		"the scheme in capitals":     "HTTPS://hooks.example.com/orders/a%2Fb?a=1&b=2",
		"no scheme":                  "//hooks.example.com/orders/a%2Fb?a=1&b=2",
		"no scheme and no slashes":   "hooks.example.com/orders/a%2Fb?a=1&b=2",
		"the path alone":             "/orders/a%2Fb?a=1&b=2",
		"the host in capitals":       "https://Hooks.example.com/orders/a%2Fb?a=1&b=2",
		"another host":               "https://hooks.example.org/orders/a%2Fb?a=1&b=2",
		"another host behind":        "https://hooks.example.com.evil.example/orders/a%2Fb?a=1&b=2",
		"a host within":              "https://x.hooks.example.com/orders/a%2Fb?a=1&b=2",
		"a dot behind the host":      "https://hooks.example.com./orders/a%2Fb?a=1&b=2",
		"the usual port":             "https://hooks.example.com:443/orders/a%2Fb?a=1&b=2",
		"another port":               "https://hooks.example.com:8443/orders/a%2Fb?a=1&b=2",
		"an empty port":              "https://hooks.example.com:/orders/a%2Fb?a=1&b=2",
		"a user":                     "https://user@hooks.example.com/orders/a%2Fb?a=1&b=2",
		"an empty user":              "https://@hooks.example.com/orders/a%2Fb?a=1&b=2",
		"the host as a user":         "https://hooks.example.com@evil.example/orders/a%2Fb?a=1&b=2",
		"two slashes in the path":    "https://hooks.example.com//orders/a%2Fb?a=1&b=2",
		"two slashes further on":     "https://hooks.example.com/orders//a%2Fb?a=1&b=2",
		"a slash behind the path":    "https://hooks.example.com/orders/a%2Fb/?a=1&b=2",
		"a backslash":                `https://hooks.example.com\orders/a%2Fb?a=1&b=2`,
		"the escape in lower case":   "https://hooks.example.com/orders/a%2fb?a=1&b=2",
		"the escape undone":          "https://hooks.example.com/orders/a/b?a=1&b=2",
		"the escape escaped":         "https://hooks.example.com/orders/a%252Fb?a=1&b=2",
		"an escape too many":         "https://hooks.example.com/%6Frders/a%2Fb?a=1&b=2",
		"a dot segment":              "https://hooks.example.com/./orders/a%2Fb?a=1&b=2",
		"two dot segments":           "https://hooks.example.com/x/../orders/a%2Fb?a=1&b=2",
		"an escaped dot segment":     "https://hooks.example.com/%2e/orders/a%2Fb?a=1&b=2",
		"the path in capitals":       "https://hooks.example.com/Orders/a%2Fb?a=1&b=2",
		"a path parameter":           "https://hooks.example.com/orders/a%2Fb;x?a=1&b=2",
		"another path":               "https://hooks.example.com/refunds/a%2Fb?a=1&b=2",
		"a path further down":        "https://hooks.example.com/orders/a%2Fb/c?a=1&b=2",
		"a stage before the path":    "https://hooks.example.com/prod/orders/a%2Fb?a=1&b=2",
		"no path":                    "https://hooks.example.com?a=1&b=2",
		"no query":                   "https://hooks.example.com/orders/a%2Fb",
		"an empty query":             "https://hooks.example.com/orders/a%2Fb?",
		"the query in another order": "https://hooks.example.com/orders/a%2Fb?b=2&a=1",
		"a part of the query":        "https://hooks.example.com/orders/a%2Fb?a=1",
		"a member more in the query": "https://hooks.example.com/orders/a%2Fb?a=1&b=2&c=3",
		"a member twice":             "https://hooks.example.com/orders/a%2Fb?a=1&a=1&b=2",
		"an ampersand behind":        "https://hooks.example.com/orders/a%2Fb?a=1&b=2&",
		"an ampersand of HTML":       "https://hooks.example.com/orders/a%2Fb?a=1&amp;b=2",
		"a semicolon":                "https://hooks.example.com/orders/a%2Fb?a=1;b=2",
		"another value":              "https://hooks.example.com/orders/a%2Fb?a=1&b=3",
		"an escaped value":           "https://hooks.example.com/orders/a%2Fb?a=%31&b=2",
		"a question mark twice":      "https://hooks.example.com/orders/a%2Fb??a=1&b=2",
		"a fragment":                 "https://hooks.example.com/orders/a%2Fb?a=1&b=2#",
		"a fragment with a name":     "https://hooks.example.com/orders/a%2Fb?a=1&b=2#top",
		"a space behind":             "https://hooks.example.com/orders/a%2Fb?a=1&b=2 ",
		"a space before":             " https://hooks.example.com/orders/a%2Fb?a=1&b=2",
		"a line break behind":        "https://hooks.example.com/orders/a%2Fb?a=1&b=2\n",
		"a NUL behind":               "https://hooks.example.com/orders/a%2Fb?a=1&b=2\x00",
		"one byte short":             "https://hooks.example.com/orders/a%2Fb?a=1&b=",
		"the first byte alone":       "h",
		"a letter that looks alike":  "https://hооks.example.com/orders/a%2Fb?a=1&b=2",
		"the URL twice":              destination + "," + destination,
		"the JSON escape kept":       `https://hooks.example.com/orders/a%2Fb?a=1\u0026b=2`,
	} {
		all = append(all, trick{"arrived at " + name, verifier.Request{Signature: good, Destination: arrived, Body: []byte(body)}, verifier.ErrDestination})
	}
	for _, pair := range []struct{ name, signed, arrived string }{
		{"neither known", "", ""},
		{"signed for nothing", "", destination},
		{"signed for a root and another query", "https://h.example/?a=1", "https://h.example?a=2"},
		{"signed for a root and an empty query", "https://h.example/", "https://h.example/?"},
		{"signed for no path and an empty query", "https://h.example", "https://h.example?"},
		{"signed for two slashes", "https://h.example//", "https://h.example/"},
		{"signed for a root and a fragment", "https://h.example#x", "https://h.example/#x"},
		{"signed for another host without a path", "https://h.example", "https://g.example/"},
		{"signed for a path that ends with a slash", "https://h.example/a/", "https://h.example/a"},
		{"signed for a path that doesn't", "https://h.example/a", "https://h.example/a/"},
		{"signed for a URL within the query", "https://h.example/?u=https://x", "https://h.example/?u=https://x/"},
		{"signed for no URL", "h.example", "h.example/"},
		{"signed for every URL", "*", destination},
		{"signed for the origin", "https://hooks.example.com/", destination},
		{"signed for a NUL", destination + "\x00", destination},
	} {
		claims := payload(set("sub", quoted(pair.signed)))
		all = append(all, trick{pair.name, verifier.Request{Signature: sealed(usualHeader, claims), Destination: pair.arrived, Body: []byte(body)}, verifier.ErrDestination})
	}
	return append(all,
		trick{"SUB beside another sub", delivery(sealed(usualHeader, payload(set("sub", `"https://evil.example/"`), add("SUB", quoted(destination))))), verifier.ErrDestination},
		trick{"another destination, and expired", delivery(sealed(usualHeader, payload(set("sub", `"https://evil.example/"`), set("exp", "1")))), verifier.ErrDestination},
	)
}

func quoted(s string) string {
	q, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(q)
}

// wrongBodies changes in one place the body that arrives.
func wrongBodies() []trick {
	good := sealed(usualHeader, payload())
	var all []trick
	for name, arrived := range map[string]string{
		"nothing":                      "",
		"one byte short":               body[:len(body)-1],
		"one byte long":                body + "\n",
		"a NUL behind":                 body + "\x00",
		"a space before":               " " + body,
		"a byte order mark before":     "\ufeff" + body,
		"one bit flipped":              "{\"order\": 6}\n",
		"the first bit flipped":        "\xfb\"order\": 7}\n",
		"CR LF for LF":                 strings.ReplaceAll(body, "\n", "\r\n"),
		"CR for LF":                    strings.ReplaceAll(body, "\n", "\r"),
		"serialised again":             `{"order":7}`,
		"serialised again with spaces": "{\n  \"order\": 7\n}\n",
		"a number as a string":         "{\"order\": \"7\"}\n",
		"a number with a fraction":     "{\"order\": 7.0}\n",
		"another case":                 strings.ToUpper(body),
		"in base64":                    base64.StdEncoding.EncodeToString([]byte(body)),
		"in quotation marks":           quoted(body),
		"compressed":                   "\x1f\x8b\x08\x00",
		"UTF-16":                       strings.Join(strings.Split(body, ""), "\x00"),
		"twice":                        body + body,
		"backwards":                    string(reversed([]byte(body))),
		"null":                         "null",
		"its own hash":                 string(make([]byte, 32)),
		"chunked":                      "d\r\n" + body + "\r\n0\r\n\r\n",
		"1 MiB of something else":      strings.Repeat("x", 1<<20),
	} {
		all = append(all, trick{"arrived: " + name, verifier.Request{Signature: good, Destination: destination, Body: []byte(arrived)}, verifier.ErrBody})
	}
	zeros := `"` + strings.Repeat("A", 43) + `"`
	empty := `"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="`
	return append(all,
		trick{"signed: a hash of zeros", delivery(sealed(usualHeader, payload(set("body", zeros)))), verifier.ErrBody},
		trick{"signed: an empty body", delivery(sealed(usualHeader, payload(set("body", empty)))), verifier.ErrBody},
		trick{"BODY beside another body", delivery(sealed(usualHeader, payload(renamed("body", "BODY"), set("body", zeros)))), verifier.ErrBody},
	)
}

// oddDestinations are the ones that a receiver can't tell apart, and others that
// it can.
func oddDestinations() []trick {
	var all []trick
	for _, pair := range []struct{ name, signed, arrived string }{
		{"signed without a path", "https://h.example", "https://h.example/"},
		{"signed with a root", "https://h.example/", "https://h.example"},
		{"signed without a path, with a query", "https://h.example?a=1", "https://h.example/?a=1"},
		{"signed with a root and a query", "https://h.example/?a=1", "https://h.example?a=1"},
		{"an empty query", "https://h.example?", "https://h.example/?"},
		{"a port", "https://h.example:8443", "https://h.example:8443/"},
		{"a URL in the query", "https://h.example?u=https://x/y", "https://h.example/?u=https://x/y"},
		{"an address of IPv6", "http://[::1]:8080", "http://[::1]:8080/"},
		{"letters beyond ASCII", "https://bücher.example/ä?ö=😀", "https://bücher.example/ä?ö=😀"},
		{"letters that JSON escapes", "https://h.example/<a>?\"b\"&c='\\'", "https://h.example/<a>?\"b\"&c='\\'"},
		{"dot segments", "https://h.example/a/../b/./c//d", "https://h.example/a/../b/./c//d"},
		{"bad escapes", "https://h.example/%zz?%", "https://h.example/%zz?%"},
		{"a path of 4000 letters", "https://h.example/" + strings.Repeat("x", 4000), "https://h.example/" + strings.Repeat("x", 4000)},
	} {
		claims := payload(set("sub", quoted(pair.signed)))
		all = append(all, trick{pair.name, verifier.Request{Signature: sealed(usualHeader, claims), Destination: pair.arrived, Body: []byte(body)}, nil})
	}
	return all
}

func fullSizes() []trick {
	const limit = 16 << 10
	token := sized(limit)
	if len(token) != limit && len(token) != limit-1 {
		panic("sized misses the limit")
	}
	return tricks(nil, [2]string{"the largest token", token})
}
