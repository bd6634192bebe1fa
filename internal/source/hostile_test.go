package source_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"cxm/internal/finding"
	"cxm/internal/source"
)

// page is a whole listing with one record.
const page = `{"items":[{"accountId":"111122223333","actionType":"Delete","currencyCode":"USD","currentResourceType":"EbsVolume","estimatedMonthlySavings":1.50,"region":"us-east-1","resourceArn":"arn:aws:ec2:us-east-1:111122223333:volume/vol-0a1b2c3d4e5f60718","resourceId":"vol-0a1b2c3d4e5f60718"}]}`

const table = "account_id,action_type,current_resource_type,estimated_monthly_savings_before_discount,region,resource_arn\n111122223333,Delete,EbsVolume,1.50,us-east-1,arn:aws:ec2:us-east-1:111122223333:volume/vol-0a1b2c3d4e5f60718\n"

const webhook = `{"version":"4","status":"firing","receiver":"cxm","externalURL":"https://alerts.example.com","alerts":[{"labels":{"alertname":"Fire"},"startsAt":"2026-03-01T10:00:00Z"}]}`

const observed = `{"specversion":"1.0","id":"1","source":"/scanner","type":"com.example.finding.observed.v1","subject":"disk-1","data":{"Title":"Delete disk-1","EstimatedMonthlySavings":"1.50"}}`

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func utf16Text(text string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func utf32Text(text string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint32(b, 0xfeff)
	}
	for _, c := range text {
		b = order.AppendUint32(b, uint32(c))
	}
	return string(b)
}

// TestAccepted: files that are written in another way and say the same.
func TestAccepted(t *testing.T) {
	for _, format := range []struct {
		kind source.Type
		text string
	}{{source.CostOptimizationHub, page}, {source.CostOptimizationHub, table}, {source.Alertmanager, webhook}, {source.CloudEvents, observed}} {
		plain, err := read(format.kind, source.Options{}, source.Input{Name: "plain", Reader: strings.NewReader(format.text)})
		if err != nil || len(plain.Findings) != 1 {
			t.Fatalf("%.20s: %v", format.text, err)
		}
		want := plain.Findings[0].Digest()
		for name, text := range map[string]string{
			"byte order mark":        "\ufeff" + format.text,
			"gzip":                   gzipped(format.text),
			"gzip, byte order mark":  gzipped("\ufeff" + format.text),
			"two gzip members":       gzipped(format.text[:50]) + gzipped(format.text[50:]),
			"carriage returns":       strings.ReplaceAll(format.text, "\n", "\r\n"),
			"space around":           strings.TrimRight(format.text, "\n") + " \n\n",
			"without a last newline": strings.TrimRight(format.text, "\n"),
		} {
			got, err := read(format.kind, source.Options{}, source.Input{Name: name, Reader: strings.NewReader(text)})
			if name == "space around" && format.text == table {
				continue // a blank in a line of its own is a row
			}
			if err != nil || len(got.Findings) != 1 || got.Findings[0].Digest() != want {
				t.Errorf("%s of %.20s: %v %+v", name, format.text, err, got)
			}
		}
		one, err := read(format.kind, source.Options{}, source.Input{Name: "slow", Reader: &oneByte{text: format.text}})
		if err != nil || len(one.Findings) != 1 || one.Findings[0].Digest() != want {
			t.Errorf("a byte at a time: %v %+v", err, one)
		}
	}
}

// oneByte gives a byte at a time, and the last one together with io.EOF.
type oneByte struct{ text string }

func (r *oneByte) Read(p []byte) (int, error) {
	if r.text == "" || len(p) == 0 {
		return 0, io.EOF
	}
	p[0], r.text = r.text[0], r.text[1:]
	if r.text == "" {
		return 1, io.EOF
	}
	return 1, nil
}

// TestRefused: every format refuses these, with an error that says what it is
// and how to mend it, and yields nothing.
func TestRefused(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	for _, format := range []struct {
		kind source.Type
		text string
	}{{source.CostOptimizationHub, page}, {source.CostOptimizationHub, table}, {source.Alertmanager, webhook}, {source.CloudEvents, observed}} {
		text := format.text
		middle := len(text) * 3 / 4
		for name, c := range map[string]struct{ text, want string }{
			"nothing":               {"", "empty"},
			"space":                 {" \n\t\r\n ", "empty"},
			"byte order mark alone": {"\ufeff", "empty"},
			"gzip of nothing":       {gzipped(""), "empty"},
			"UTF-16LE marked":       {utf16Text(text, little, true), "UTF-16 text: save it as UTF-8"},
			"UTF-16BE marked":       {utf16Text(text, big, true), "UTF-16 text: save it as UTF-8"},
			"UTF-16LE":              {utf16Text(text, little, false), "UTF-16LE text: save it as UTF-8"},
			"UTF-16BE":              {utf16Text(text, big, false), "UTF-16BE text: save it as UTF-8"},
			"UTF-32LE marked":       {utf32Text(text, little, true), "UTF-32 text: save it as UTF-8"},
			"UTF-32BE marked":       {utf32Text(text, big, true), "UTF-32 text: save it as UTF-8"},
			"UTF-32LE":              {utf32Text(text, little, false), "UTF-32LE text: save it as UTF-8"},
			"UTF-32BE":              {utf32Text(text, big, false), "UTF-32BE text: save it as UTF-8"},
			"gzip of UTF-16":        {gzipped(utf16Text(text, little, true)), "UTF-16 text: save it as UTF-8"},
			"NUL inside":            {text[:middle] + "\x00" + text[middle:], "NUL character near line"},
			"NULs behind":           {text + strings.Repeat("\x00", 4096), "NUL character near line"},
			"not UTF-8":             {strings.Replace(text, "1.50", "\xff1.50", 1)[:len(text)] + text[len(text)-1:], ""},
			"Parquet":               {"PAR1\x15\x04", "Parquet: choose CSV"},
			"ZIP":                   {"PK\x03\x04rest", "ZIP archive: unpack it"},
			"a web page":            {"\n <!doctype html><html>", "web page"},
			"gzip cut off":          {gzipped(text)[:60], "cut off"},
			"not gzip":              {"\x1f\x8bnothing of the kind", "like gzip but is not"},
			"gzip in gzip":          {gzipped(gzipped(text)), ""},
			"another JSON":          {`{"Records":[{"eventSource":"aws:s3"}]}`, ""},
			"a number":              {"42", ""},
			"null":                  {"null", ""},
			"deep lists":            {strings.Repeat("[", 1_000_000), ""},
			"deep objects":          {strings.Repeat(`{"items":`, 1_000_000), ""},
			"deep behind":           {strings.TrimSuffix(text, "}") + `,"x":` + strings.Repeat("[", 100_000), ""},
		} {
			out, err := read(format.kind, source.Options{}, source.Input{Name: "in.file", Reader: strings.NewReader(c.text)})
			var record *source.RecordError
			switch {
			case err == nil:
				t.Errorf("%s as %s (%.12q): accepted: %+v", name, format.kind, text, out)
			case !errors.As(err, &record) || record.File != "in.file":
				t.Errorf("%s as %s: not a RecordError of the file: %v", name, format.kind, err)
			case !strings.Contains(err.Error(), c.want):
				t.Errorf("%s as %s (%.12q): %v\nshould say %q", name, format.kind, text, err, c.want)
			case strings.Contains(err.Error(), "jsontext"):
				t.Errorf("%s as %s: speaks of the decoder: %v", name, format.kind, err)
			case len(err.Error()) > 400 || strings.Contains(err.Error(), "\n"):
				t.Errorf("%s as %s: the error is no line of readable length: %.600q", name, format.kind, err)
			}
		}
	}
}

// TestTruncated cuts a file at every byte: no part of it is taken for the whole.
func TestTruncated(t *testing.T) {
	for _, format := range []struct {
		kind source.Type
		text string
	}{{source.CostOptimizationHub, page}, {source.Alertmanager, webhook}, {source.CloudEvents, observed}, {source.CloudEvents, "[" + observed + "]"}} {
		for i := range len(format.text) {
			if _, err := read(format.kind, source.Options{}, source.Input{Name: "cut", Reader: strings.NewReader(format.text[:i])}); err == nil {
				t.Fatalf("%s cut at byte %d of %d was accepted: …%q", format.kind, i, len(format.text), format.text[max(0, i-20):i])
			}
		}
	}
}

// endless gives a beginning, then the same text again and again.
type endless struct {
	begin, repeat string
	left, read    int64
	at            int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left -= int64(len(p)); e.left < 0 {
		return 0, io.EOF
	}
	n := copy(p, e.begin)
	e.begin = e.begin[n:]
	for n < len(p) {
		copied := copy(p[n:], e.repeat[e.at:])
		n, e.at = n+copied, (e.at+copied)%len(e.repeat)
	}
	e.read += int64(n)
	return n, nil
}

// TestHuge: a record of 100 MB, wherever it stands, is refused after little
// more than the limit was read, and is never in memory.
func TestHuge(t *testing.T) {
	for name, c := range map[string]struct {
		kind          source.Type
		begin, repeat string
	}{
		"text in a record":        {source.CostOptimizationHub, `{"items":[{"accountId":"`, "x"},
		"unknown member":          {source.CostOptimizationHub, `{"items":[{"x":"`, "x"},
		"number":                  {source.CostOptimizationHub, `{"items":[{"estimatedMonthlySavings":1`, "1"},
		"token of the page":       {source.CostOptimizationHub, `{"nextToken":"`, "x"},
		"unknown envelope member": {source.CostOptimizationHub, `{"x":[1`, ",1"},
		"space":                   {source.CostOptimizationHub, `{"items":[`, " "},
		"name":                    {source.CostOptimizationHub, `{"`, "x"},
		"many tags":               {source.CostOptimizationHub, `{"items":[{"tags":[{}`, `,{"key":"a","value":"b"}`},
		"a line of CSV":           {source.CostOptimizationHub, table, "x"},
		"a header of CSV":         {source.CostOptimizationHub, "", "account_id,"},
		"a quoted cell":           {source.CostOptimizationHub, table + `"`, "x\n"},
		"label":                   {source.Alertmanager, `{"alerts":[{"labels":{"a":"`, "x"},
		"alerts":                  {source.Alertmanager, `{"alerts":[{}`, `,{"labels":{"alertname":"Fire"}}`},
		"commonLabels":            {source.Alertmanager, `{"commonLabels":{"a":"`, "x"},
		"data":                    {source.CloudEvents, `{"specversion":"1.0","data":"`, "x"},
		"data_base64":             {source.CloudEvents, `{"specversion":"1.0","data_base64":"`, "A"},
		"nothing but space":       {source.CloudEvents, "", " "},
	} {
		t.Run(name, func(t *testing.T) {
			in := &endless{begin: c.begin, repeat: c.repeat, left: 100 << 20}
			before := allocated()
			o := source.Options{}
			if c.kind == source.Alertmanager {
				o.MaxRecord = 1 << 16 // a payload is 16 records
			}
			_, err := read(c.kind, o, source.Input{Name: "huge", Reader: in})
			var record *source.RecordError
			if !errors.As(err, &record) || !strings.Contains(err.Error(), "the record is larger than") || strings.Contains(err.Error(), "jsontext") {
				t.Errorf("got %v", err)
			}
			limit, memory := int64(1<<20+256<<10), uint64(32<<20)
			if in.read > limit {
				t.Errorf("%d bytes were read, the limit is 1 MiB", in.read)
			}
			if grown := allocated() - before; grown > memory {
				t.Errorf("%d bytes were allocated", grown)
			}
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestBomb: text that unpacks to gigabytes ends at the limit of a record.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	_, _ = io.WriteString(w, `{"items":[{"accountId":"`)
	for range 24 {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	_ = w.Close()
	before := allocated()
	_, err := read(source.CostOptimizationHub, source.Options{}, source.Input{Name: "bomb.gz", Reader: &b})
	if err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") || allocated()-before > 16<<20 {
		t.Errorf("%v, %d bytes allocated", err, allocated()-before)
	}
}

// listing writes a page with n records while it is read.
type listing struct {
	n, i int
	rest []byte
}

func (l *listing) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		switch {
		case l.i == 0:
			l.rest = []byte(`{"items":[`)
		case l.i <= l.n:
			l.rest = fmt.Appendf(nil, `{"accountId":"111122223333","actionType":"Delete","currencyCode":"USD","currentResourceType":"EbsVolume","estimatedMonthlySavings":%d.25,"region":"us-east-1","resourceId":"vol-%017x"},`, l.i, l.i)
			if l.i == l.n {
				l.rest[len(l.rest)-1] = ']'
			}
		case l.i == l.n+1:
			l.rest = []byte("}\n")
		default:
			return 0, io.EOF
		}
		l.i++
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// TestMemory: reading more findings holds no more than some bytes a key.
func TestMemory(t *testing.T) {
	const n = 50_000
	var base, peak uint64
	runtime.GC()
	base = held()
	count := 0
	summary, err := source.Read(source.CostOptimizationHub, []source.Input{{Name: "long", Reader: &listing{n: n}}}, source.Options{}, func(*finding.Finding) error {
		if count++; count%12_500 == 0 {
			runtime.GC()
			peak = max(peak, held())
		}
		return nil
	})
	if err != nil || summary.Findings != n || !summary.Complete {
		t.Fatal(summary.Findings, summary.Complete, err)
	}
	if perKey := int64(peak-base) / n; perKey > 100 {
		t.Errorf("%d bytes are held for each key", perKey)
	}
}

func held() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestEscapedNUL: a NUL character that is written as an escape is refused in
// every place where it could come through.
func TestEscapedNUL(t *testing.T) {
	event := func(data string) string {
		return `{"specversion":"1.0","id":"1","source":"/s","type":"finding.observed.v1","data":{"Title":"t",` + data + `}}`
	}
	for name, c := range map[string]struct {
		kind source.Type
		text string
	}{
		"class":          {source.CloudEvents, event(`"FindingClass":"a\u0000"`)},
		"tag":            {source.CloudEvents, event(`"Tags":{"a":"\u0000"}`)},
		"tag name":       {source.CloudEvents, event(`"Tags":{"\u0000":"a"}`)},
		"alias":          {source.CloudEvents, event(`"ResourceAliases":["\u0000"]`)},
		"amount":         {source.CloudEvents, event(`"SourceAmount":{"value":"\u0000","unit":""}`)},
		"kind":           {source.CloudEvents, event(`"Kind":"\u0000"`)},
		"subject":        {source.CloudEvents, strings.Replace(observed, "disk-1", `disk\u0000`, 1)},
		"source":         {source.CloudEvents, strings.Replace(observed, "/scanner", `/scanner\u0000`, 1)},
		"label":          {source.Alertmanager, strings.Replace(webhook, "Fire", `Fire\u0000`, 1)},
		"label name":     {source.Alertmanager, strings.Replace(webhook, "alertname", `alertname\u0000`, 1)},
		"address":        {source.Alertmanager, strings.Replace(webhook, "https://alerts", `https://alerts\u0000`, 1)},
		"account":        {source.CostOptimizationHub, strings.Replace(page, "111122223333", `1111\u0000`, 1)},
		"arn":            {source.CostOptimizationHub, strings.Replace(page, ":volume/", `:volume\u0000/`, 1)},
		"tags of a cell": {source.CostOptimizationHub, strings.Replace(strings.Replace(table, "arn\n", "arn,tags\n", 1), "0718\n", `0718,"{""a"":""\u0000""}"`+"\n", 1)},
	} {
		_, err := read(c.kind, source.Options{}, source.Input{Name: "in", Reader: strings.NewReader(c.text)})
		if _, ok := errors.AsType[*source.RecordError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
