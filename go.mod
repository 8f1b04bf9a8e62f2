module github.com/stashring/stashring

go 1.26.0

require (
	github.com/go-json-experiment/json v1.27.2
	github.com/patrickmn/go-cache v2.1.0+incompatible
)

require github.com/golang-jwt/jwt/v5 v5.3.1

require github.com/alecthomas/kong v1.17.0

require go.uber.org/goleak v1.3.0
