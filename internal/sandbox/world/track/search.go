package track

import (
	"time"

	"cxm/internal/sandbox/world/text"
)

// document is what search knows of an issue from a moment on.
type document struct {
	from               time.Time
	title, description string
	inTitle, inText    *text.Document // made when first searched
}

// index lets search know an issue's present text.
func (t *Tracker) index(i *Issue) {
	now, description := t.clock(), textOf(i.Description)
	if n := len(i.docs); n > 0 && i.docs[n-1].title == i.Title && i.docs[n-1].description == description {
		return
	}
	i.docs = append(t.current(i.docs, now), document{from: now, title: i.Title, description: description})
}

// current drops the texts that search has already left behind.
func (t *Tracker) current(docs []document, now time.Time) []document {
	seen := now.Add(-t.limits().SearchLag)
	for len(docs) > 1 && !docs[1].from.After(seen) {
		docs = docs[1:]
	}
	return docs
}

// Matches says whether search finds an issue now, looking in its title, its
// description or both.
func (t *Tracker) Matches(i *Issue, query string, inTitle, inText bool) bool {
	now := t.clock()
	i.docs = t.current(i.docs, now)
	if len(i.docs) == 0 || i.docs[0].from.After(now.Add(-t.limits().SearchLag)) {
		return false
	}
	d := &i.docs[0]
	if d.inTitle == nil {
		title, body := text.Index(d.title), text.Index(d.description)
		d.inTitle, d.inText = &title, &body
	}
	switch {
	case inTitle && inText:
		return text.Match(query, *d.inTitle, *d.inText)
	case inTitle:
		return text.Match(query, *d.inTitle)
	}
	return text.Match(query, *d.inText)
}
