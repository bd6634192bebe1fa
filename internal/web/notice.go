package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"cxm/internal/web/ui"
)

// noticeCookie holds what the next page says once. It is written and read here
// alone; who forges it shows a text to themselves, which is escaped as any text is.
const (
	noticeCookie = "cxm_notice"
	noticeLimit  = 2000
)

// Tell has the next page say what happened. It belongs before the redirect that
// answers a form. A text that is too long for a cookie is cut.
func Tell(w http.ResponseWriter, r *http.Request, n ui.Notice) {
	if runes := []rune(n.Text); len(runes) > noticeLimit/4 {
		n.Text = string(runes[:noticeLimit/4]) + "…"
	}
	text, err := json.Marshal(n)
	if err != nil {
		return // two strings always encode
	}
	http.SetCookie(w, cookie(r, base64.RawURLEncoding.EncodeToString(text), 60))
}

// Told is what the page is to say, once: it is forgotten by the answer.
func Told(w http.ResponseWriter, r *http.Request) []ui.Notice {
	sent, err := r.Cookie(noticeCookie)
	if err != nil || len(sent.Value) > 2*noticeLimit {
		return nil
	}
	http.SetCookie(w, cookie(r, "", -1))
	text, err := base64.RawURLEncoding.DecodeString(sent.Value)
	var n ui.Notice
	if err != nil || json.Unmarshal(text, &n) != nil || n.Text == "" {
		return nil
	}
	switch n.Tone {
	case ui.Good, ui.Warn, ui.Bad, ui.Info:
	default:
		n.Tone = ui.Neutral
	}
	return []ui.Notice{n}
}

func cookie(r *http.Request, value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: noticeCookie, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: Secured(r), SameSite: http.SameSiteLaxMode,
	}
}
