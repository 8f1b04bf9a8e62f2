package verifier_test

import (
	"fmt"
	"strings"

	"github.com/stashring/stashring/verifier"
)

func brokenObjects() []trick {
	good := payload()
	return claimTricks(verifier.ErrClaims, [][2]string{
		{"nothing", ""},
		{"a space", " "},
		{"null", "null"},
		{"true", "true"},
		{"a number", "1783794655"},
		{"a string", `"Upstash"`},
		{"an empty object", "{}"},
		{"an empty array", "[]"},
		{"an object in an array", "[" + good + "]"},
		{"an object in an object", `{"claims":` + good + "}"},
		{"two objects", good + good},
		{"two objects on two lines", good + "\n" + good},
		{"a word behind", good + "null"},
		{"a bracket behind", good + "}"},
		{"a comma behind", good + ","},
		{"a NUL behind", good + "\x00"},
		{"cut off by one byte", good[:len(good)-1]},
		{"cut off in the middle", good[:len(good)/2]},
		{"a comma at the end", strings.TrimSuffix(good, "}") + ",}"},
		{"a comma at the start", "{," + good[1:]},
		{"two commas", strings.Replace(good, ",", ",,", 1)},
		{"a semicolon for a comma", strings.Replace(good, ",", ";", 1)},
		{"an equals sign for a colon", strings.Replace(good, ":", "=", 1)},
		{"no colon", strings.Replace(good, ":", " ", 1)},
		{"apostrophes", strings.ReplaceAll(good, `"`, "'")},
		{"names without quotation marks", strings.Replace(good, `"exp"`, "exp", 1)},
		{"a comment", strings.Replace(good, ",", ",/* */", 1)},
		{"a line comment", good + "//"},
		{"a byte order mark", "\ufeff" + good},
		{"a byte order mark of UTF-16", "\xff\xfe" + good},
		{"UTF-16", strings.Join(strings.Split(good, ""), "\x00") + "\x00"},
		{"a form feed", "\f" + good},
		{"a vertical tab", "\v" + good},
		{"a space that is not ASCII", "\u00a0" + good},
		{"a JSON text sequence", "\x1e" + good + "\n"},
		{"a guard against scripts", ")]}'\n" + good},
		{"another token", sealed(usualHeader, good)},
		{"base64 within base64", encoded(good)},
		{"compressed", "\x78\x9c\xab\x56\x4a\xad"},
		{"a query", "iss=Upstash&exp=1783794655"},
		{"YAML", "iss: Upstash\nexp: 1783794655"},
		{"CBOR", "\xa1\x01\x67Upstash"},
	}...)
}

func twinMembers() []trick {
	var all [][2]string
	for _, m := range [][2]string{
		{"aud", `""`}, {"body", `"x"`}, {"exp", "1783794655"}, {"iat", "1783794355"},
		{"iss", `"Upstash"`}, {"jti", `"x"`}, {"nbf", "0"}, {"sub", `"` + destination + `"`}, {"x", "1"},
	} {
		all = append(all, [2]string{m[0] + " twice", payload(set("x", "1"), add(m[0], m[1]))})
	}
	for _, m := range [][3]string{
		{"exp", "EXP", "1783794655"}, {"exp", "Exp", "1783794655"}, {"exp", "exp ", "1783794655"}, {"exp", `exp\u0000`, "1783794655"},
		{"exp", "еxp", "1783794655"}, {"exp", "expires", "1783794655"},
		{"body", "BODY", ""}, {"body", "Body", ""}, {"body", "bodу", ""},
		{"iss", "ISS", ""}, {"iss", "Iss", ""}, {"iss", "iſs", ""}, {"iss", "ıss", ""},
		{"sub", "SUB", ""}, {"sub", "Sub", ""}, {"sub", "ſub", ""}, {"sub", "url", ""},
	} {
		all = append(all, [2]string{m[1] + " for " + m[0], payload(renamed(m[0], m[1]))})
	}
	return claimTricks(verifier.ErrClaims, append(all, [][2]string{
		{"exp twice, one in escapes", payload(add(`\u0065xp`, "1783794655"))},
		{"body twice, one in escapes", payload(add(`b\u006fdy`, `"x"`))},
		{"sub twice, one in escapes", payload(add(`\u0073\u0075\u0062`, `"x"`))},
		{"an expired exp before a good one", payload(renamed("aud", "exp"), func(m []member) []member { m[0].value = "1"; return m })},
		{"a member twice inside another", payload(add("x", `{"y":1,"y":2}`))},
		{"a member twice far inside", payload(add("x", `[[{"a":{"y":1,"y":1}}]]`))},
		{"the empty name twice", payload(add("", "1"), add("", "2"))},
	}...)...)
}

func wrongTypes() []trick {
	hash := "tvRwPsCn4Ov3k0XHFBEZLWKmaqdiEB9lAZ4SPUtTAqU"
	var all [][2]string
	for _, name := range []string{"iss", "sub", "body", "exp"} {
		all = append(all, [2]string{"no " + name, payload(without(name))})
	}
	for _, name := range []string{"iss", "sub", "body", "jti"} {
		for _, value := range []string{"null", "true", "0", "[]", "{}", `["x"]`, `{"x":"y"}`} {
			all = append(all, [2]string{name + " is " + value, payload(set(name, value))})
		}
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		for _, value := range []string{"null", "true", `""`, "[]", "{}", `"1783794655"`, "[1783794655]"} {
			all = append(all, [2]string{name + " is " + value, payload(set(name, value))})
		}
	}
	for name, value := range map[string]string{
		"empty":                  "",
		"a pad alone":            "=",
		"31 bytes":               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"33 bytes":               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"two pads":               hash + "==",
		"a pad before":           "=" + hash,
		"stray bits":             hash[:42] + "V",
		"the standard alphabet":  strings.Repeat("+/", 21) + "A=",
		"a line break behind":    hash + `\n`,
		"a line break inside":    hash[:8] + `\r\n` + hash[8:],
		"a line break for a pad": hash[:42] + `\n`,
		"a space behind":         hash + " ",
		"hexadecimal":            strings.Repeat("a0", 32),
		"with its algorithm":     "sha256=" + hash,
		"SHA-512":                strings.Repeat("A", 86),
		"MD5":                    "1B2M2Y8AsgTpgAmY7PhCfg",
		"not ASCII":              strings.Repeat("é", 21) + "A",
	} {
		all = append(all, [2]string{"body is " + name, payload(set("body", `"`+value+`"`))})
	}
	return claimTricks(verifier.ErrClaims, all...)
}

func wrongNumbers() []trick {
	var all [][2]string
	for _, name := range []string{"exp", "nbf"} {
		for _, number := range []string{
			"1e400", "-1e400", "1e999999999", "1e309", "1.8e308", "9223372036854775807", "9223372036854775808", "18446744073709551616",
			"-9223372036854775808", "-9223372036854775809", "253402300800", "-62135596801", "1783794655000", "1e18",
			"01783794655", "00", "-01", "+1783794655", "--1", "-", "0x6A52C0DF", "0b1", "0o17", "1_783_794_655", "1,783,794,655",
			".5", "5.", "-.5", "1e", "1e+", "1e1.5", "1.2.3", "1783794655L", "1783794655n", "1783794655s", "1783794655 0",
			"Infinity", "-Infinity", "NaN", "١٧٨٣", "１７８３",
		} {
			all = append(all, [2]string{name + " is " + number, payload(set(name, number))})
		}
	}
	return claimTricks(verifier.ErrClaims, append(all, [][2]string{
		{"iat is 1e400", payload(set("iat", "1e400"))},
		{"iat is 253402300800", payload(set("iat", "253402300800"))},
		{"exp is half a second over its range", payload(set("exp", "-62135596800.5"))},
		{"nbf is half a second over its range", payload(set("nbf", "253402300799.5"))},
		{"an unknown number that no float64 holds", payload(add("x", "1e400"))},
		{"a nested number that no float64 holds", payload(add("x", `{"y":[0,-1e400]}`))},
	}...)...)
}

func wrongTimes() []trick {
	var all []trick
	for _, number := range []string{
		"1783794400", "1783794400.0", "1783794400.999", "1783794399", "17837944e2", "1.7837944e9", "0", "-0", "-0.0", "0e5", "1", "1.5", "1e3",
		"1e-400", "-1", "-1e3", "-62135596800", "1783794",
	} {
		all = append(all, claimTricks(verifier.ErrExpired, [2]string{"exp is " + number, payload(set("exp", number))})...)
	}
	for _, number := range []string{
		"1783794401", "1783794400.1", "1783794400.000001", "1783794655", "1.783794401e9", "253402300799", "25e10",
	} {
		all = append(all, claimTricks(verifier.ErrNotYetValid, [2]string{"nbf is " + number, payload(set("nbf", number))})...)
	}
	return append(all, claimTricks(verifier.ErrExpired,
		[2]string{"expired and not valid yet", payload(set("exp", "1"), set("nbf", "253402300799"))},
		[2]string{"EXP beside an exp that is over", payload(set("exp", "1"), add("EXP", "1783794655"))},
	)...)
}

// brokenText puts what is not UTF-8, or not JSON text, into a value that counts,
// a value that doesn't, and a name.
func brokenText() []trick {
	var all [][2]string
	for name, text := range map[string]string{
		"a raw NUL":                    "\x00",
		"a raw line break":             "\n",
		"a raw tab":                    "\t",
		"a raw escape byte":            "\x1b",
		"an overlong NUL":              "\xc0\x80",
		"an overlong slash":            "\xc0\xaf",
		"an overlong slash of three":   "\xe0\x80\xaf",
		"an overlong slash of four":    "\xf0\x80\x80\xaf",
		"a continuation byte":          "\x80",
		"a byte 0xff":                  "\xff",
		"a byte of Latin-1":            "\xe9",
		"a letter cut off":             "\xe2\x82",
		"a raw high surrogate":         "\xed\xa0\x80",
		"a raw low surrogate":          "\xed\xb0\x80",
		"a raw surrogate pair":         "\xed\xa0\xbd\xed\xb8\x80",
		"a letter beyond Unicode":      "\xf4\x90\x80\x80",
		"five bytes":                   "\xf8\x88\x80\x80\x80",
		"an escaped high surrogate":    `\ud800`,
		"an escaped low surrogate":     `\udc00`,
		"a high surrogate and letters": `\ud800abcd`,
		"two high surrogates":          `\ud800\ud800`,
		"a pair backwards":             `\udc00\ud800`,
		"a short escape":               `\u12`,
		"an escape that is no number":  `\u00zz`,
		"an escape in capitals":        `\U0041`,
		"an escape of C":               `\x41`,
		"an escape of an apostrophe":   `\'`,
		"an octal escape":              `\101`,
		"an escaped line break":        "\\\n",
	} {
		all = append(all,
			[2]string{name + " in sub", payload(set("sub", `"`+destination+text+`"`))},
			[2]string{name + " in an unknown claim", payload(add("x", `"`+text+`"`))},
			[2]string{name + " in a name", payload(add("x"+text, "1"))},
		)
	}
	return claimTricks(verifier.ErrClaims, all...)
}

func wrongIssuers() []trick {
	var all [][2]string
	for _, value := range []string{
		"", " ", "upstash", "UPSTASH", "Upstash ", " Upstash", `Upstash\u0000`, `Upstash\n`, "Upstash.", "Upstas", "Upstashh", "qstash",
		"https://upstash.com", "Upstаsh", "Ｕpstash", `Upstash\u200b`, `Upstash\u0301`, "%55pstash", "Upstash,Upstash", "null",
	} {
		all = append(all, [2]string{"iss is " + value, payload(set("iss", `"`+value+`"`))})
	}
	return claimTricks(verifier.ErrIssuer, append(all,
		[2]string{"ISS beside another iss", payload(set("iss", `"evil"`), add("ISS", `"Upstash"`))},
		[2]string{"another issuer, another destination, expired", payload(set("iss", `"evil"`), set("sub", `"x"`), set("exp", "1"))},
	)...)
}

func oddHeaders() []trick {
	var all [][2]string
	for name, header := range map[string]string{
		"members the other way around":     `{"typ":"JWT","alg":"HS256"}`,
		"white space":                      "{ \"alg\" : \"HS256\" ,\r\n\t\"typ\" : \"JWT\" } \n",
		"no type":                          `{"alg":"HS256"}`,
		"type in lower case":               `{"alg":"HS256","typ":"jwt"}`,
		"type in escapes":                  `{"alg":"HS256","typ":"\u004aWT"}`,
		"algorithm in escapes":             `{"alg":"\u0048S256","typ":"JWT"}`,
		"the name of alg in escapes":       `{"\u0061lg":"HS256","typ":"JWT"}`,
		"kid":                              `{"alg":"HS256","kid":"x","typ":"JWT"}`,
		"kid that is a path":               `{"alg":"HS256","kid":"../../dev/null","typ":"JWT"}`,
		"kid that is SQL":                  `{"alg":"HS256","kid":"' UNION SELECT 'x","typ":"JWT"}`,
		"kid that is no string":            `{"alg":"HS256","kid":{"a":[1]},"typ":"JWT"}`,
		"jku":                              `{"alg":"HS256","jku":"http://127.0.0.1:1/keys","typ":"JWT"}`,
		"jwk":                              `{"alg":"HS256","jwk":{"kty":"oct","k":""},"typ":"JWT"}`,
		"x5u":                              `{"alg":"HS256","x5u":"http://127.0.0.1:1/cert","typ":"JWT"}`,
		"x5c":                              `{"alg":"HS256","x5c":["AA=="],"typ":"JWT"}`,
		"cty":                              `{"alg":"HS256","cty":"JWT","typ":"JWT"}`,
		"zip, which a JWS doesn't have":    `{"alg":"HS256","zip":"DEF","typ":"JWT"}`,
		"ALG, which is another member":     `{"alg":"HS256","ALG":"none","typ":"JWT"}`,
		"CRIT, which is another member":    `{"alg":"HS256","CRIT":["exp"],"typ":"JWT"}`,
		"claims":                           `{"alg":"HS256","exp":1,"iss":"evil","sub":"x","typ":"JWT"}`,
		"an array 100 deep":                `{"alg":"HS256","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"typ":"JWT"}`,
		"letters of four bytes":            `{"alg":"HS256","x":"😀","typ":"JWT"}`,
		"the largest number of a float64":  `{"alg":"HS256","x":1.7976931348623157e308,"typ":"JWT"}`,
		"a number too small for a float64": `{"alg":"HS256","x":1e-400,"typ":"JWT"}`,
	} {
		all = append(all, [2]string{name, sealed(header, payload())})
	}
	return tricks(nil, append(all, [2]string{"the next key", compact(nextKey, usualHeader, payload())})...)
}

func oddClaims() []trick {
	good := payload()
	return claimTricks(nil, [][2]string{
		{"white space everywhere", " \t\r\n" + strings.NewReplacer(",", " ,\n", `":`, `" : `).Replace(good) + "\r\n"},
		{"an unknown claim", payload(add("x", "1"))},
		{"an unknown claim with everything in it", payload(add("x", `{"a":[1,"\ud83d\ude00",null,true,{"b":-0.5e-7}]}`))},
		{"the empty name", payload(add("", "1"))},
		{"EXP beside exp", payload(add("EXP", "1"))},
		{"BODY beside body", payload(add("BODY", `"x"`))},
		{"ISS beside iss", payload(add("ISS", `"evil"`))},
		{"SUB beside sub", payload(add("SUB", "0"))},
		{"a name twice, but in two objects", payload(add("x", `{"exp":1}`), add("y", `{"exp":2}`))},
		{"no aud", payload(without("aud"))},
		{"aud an array", payload(set("aud", `["x"]`))},
		{"no jti", payload(without("jti"))},
		{"jti empty", payload(set("jti", `""`))},
		{"jti with a NUL", payload(set("jti", `"\u0000"`))},
		{"jti of four-byte letters", payload(set("jti", `"😀\ud83d\ude00"`))},
		{"no iat", payload(without("iat"))},
		{"iat to come", payload(set("iat", "1783794500"))},
		{"no nbf", payload(without("nbf"))},
		{"nbf 0", payload(set("nbf", "0"))},
		{"nbf -0", payload(set("nbf", "-0"))},
		{"nbf this second", payload(set("nbf", "1783794400"))},
		{"nbf with a fraction", payload(set("nbf", "1783794399.5"))},
		{"nbf half a second before its range", payload(set("nbf", "-62135596800.5"))},
		{"nbf too small for a float64", payload(set("nbf", "1e-400"))},
		{"exp in one second", payload(set("exp", "1783794401"))},
		{"exp with a fraction", payload(set("exp", "1783794655.75"))},
		{"exp with an exponent", payload(set("exp", "1.783794655e9"))},
		{"exp with a large exponent", payload(set("exp", "1.783794655E+09"))},
		{"exp with 5000 zeros behind the point", payload(set("exp", "1783794655."+strings.Repeat("0", 5000)))},
		{"exp in the year 9999", payload(set("exp", "253402300799"))},
		{"iss in escapes", payload(set("iss", `"\u0055pstash"`))},
		{"iss in capital escapes", payload(set("iss", `"Upstas\u0068"`))},
		{"the names in escapes", payload(renamed("exp", `\u0065xp`), renamed("sub", `su\u0062`))},
		{"sub in escapes", payload(set("sub", `"https:\/\/hooks.example.com\/orders\/a%2Fb?a=1\u0026b=2"`))},
		{"members backwards", payload(func(m []member) []member {
			for i, j := 0, len(m)-1; i < j; i, j = i+1, j-1 {
				m[i], m[j] = m[j], m[i]
			}
			return m
		})},
		{"100 members more", payload(func(m []member) []member {
			for i := range 100 {
				m = append(m, member{fmt.Sprint(i), "0"})
			}
			return m
		})},
		{"an array 100 deep", payload(add("x", strings.Repeat("[", 100)+strings.Repeat("]", 100)))},
	}...)
}
