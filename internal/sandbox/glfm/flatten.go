package glfm

import "bytes"

// Flatten keeps a parser from spending minutes on a line that opens thousands
// of quotes or lists: past a depth no text has for a reason, the marks become
// dots. Nothing moves: every offset and every line stays, and what was
// quoted is quoted. Fences of `>` alone open only one quote and are kept. The
// result is src itself where nothing had to change.
func Flatten(src []byte) []byte {
	const deepest, suspicious = 128, 4096
	out := src
	for start := 0; start < len(src); {
		end := len(src)
		if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
			end = start + i + 1
		}
		marks := len(src[start:end]) - len(bytes.TrimLeft(src[start:end], "> \t-+*.)0123456789"))
		if marks > suspicious && len(bytes.Trim(src[start:end], ">\n")) > 0 {
			if &out[0] == &src[0] {
				out = bytes.Clone(src)
			}
			copy(out[start+deepest:start+marks], bytes.Repeat([]byte("."), marks-deepest))
		}
		start = end
	}
	return out
}
