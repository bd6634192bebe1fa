package finding

import (
	"regexp"
	"slices"
	"strings"
)

// awsUnique matches AWS ids that are unique in all of AWS, so that the short id
// and the ARN of a disk name the same disk.
var awsUnique = regexp.MustCompile(`^(?:i|vol|snap|ami|eni|nat|igw|eipalloc|subnet|vpc|sg|rtb|vpce|tgw|lt|fs)-[0-9a-f]{8,17}$`)

// Canonical is the one name of the finding's resource that every source which
// means the same resource arrives at, or "" when the finding names none.
// AWS ids that are unique in all of AWS stand for their ARN; Azure Resource
// Manager ids are lower-cased; other ids are qualified by where they are.
func (f *Finding) Canonical() string {
	if f.ResourceID == "" {
		return ""
	}
	for _, name := range append([]string{f.ResourceID}, f.ResourceAliases...) {
		if id := shortID(name); awsUnique.MatchString(id) {
			return id
		}
	}
	switch id := f.ResourceID; {
	case strings.HasPrefix(id, "arn:"):
		return WithoutQualifier(id)
	case strings.HasPrefix(id, "//"):
		return id
	case strings.HasPrefix(strings.ToLower(id), "/subscriptions/"):
		return strings.ToLower(id)
	}
	return strings.Join([]string{f.SourceInstance, f.SubAccountID, f.RegionID, f.ResourceType, f.ResourceID}, "|")
}

// shortID is the last part of an ARN, or the name itself.
func shortID(name string) string {
	if !strings.HasPrefix(name, "arn:") {
		return name
	}
	return name[strings.LastIndexAny(name, ":/")+1:]
}

// WithoutQualifier cuts the version or alias off a Lambda function's ARN
// (":$LATEST", ":7"), which changes while the function stays the same. Other
// names are returned as they are.
func WithoutQualifier(arn string) string {
	if !strings.Contains(arn, ":lambda:") {
		return arn
	}
	parts := strings.Split(arn, ":")
	if len(parts) == 8 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function" {
		return strings.Join(parts[:7], ":")
	}
	return arn
}

// Aliases lists every other spelling of a resource that other sources may use,
// sorted and without the canonical id itself: short ids out of ARNs, and the
// spellings given.
func Aliases(id string, spellings ...string) []string {
	var out []string
	for _, spelling := range append(spellings, shortID(id), WithoutQualifier(id)) {
		if spelling != "" && spelling != id {
			out = append(out, spelling)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
