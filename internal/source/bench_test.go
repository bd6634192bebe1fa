package source

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/go-json-experiment/json"

	"cxm/internal/finding"
)

// hubPage writes a page of list-recommendations with n records of the size AWS
// gives them.
func hubPage(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `
        {
            "accountId": "%012d",
            "actionType": "Upgrade",
            "currencyCode": "USD",
            "currentResourceSummary": "gp2",
            "currentResourceType": "EbsVolume",
            "estimatedMonthlyCost": %d.56,
            "estimatedMonthlySavings": %d.64,
            "estimatedSavingsPercentage": 20.0,
            "implementationEffort": "Low",
            "lastRefreshTimestamp": "2026-03-18T13:03:20.876000+00:00",
            "recommendationId": "NDkwMDY1ODg1ODYzX2FmNGM5YWE4LTMyZTgtNGQ3ZS1hMTY1LTJiZjBiZmU%08d",
            "recommendationLookbackPeriodInDays": 14,
            "recommendedResourceSummary": "gp3",
            "recommendedResourceType": "EbsVolume",
            "region": "us-east-1",
            "resourceArn": "arn:aws:ec2:us-east-1:%012d:volume/vol-%017x",
            "resourceId": "vol-%017x",
            "restartNeeded": false,
            "rollbackPossible": true,
            "source": "ComputeOptimizer",
            "tags": [{"key": "team", "value": "shop"}, {"key": "Name", "value": "data-%d"}]
        }`, i%40, i%900, i%300, i, i%40, i, i, i)
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

func hubExport(n int) []byte {
	var b bytes.Buffer
	b.WriteString("account_id,account_name,action_type,currency_code,current_resource_details,current_resource_summary,current_resource_type,estimated_monthly_cost_after_discount,estimated_monthly_savings_after_discount,estimated_monthly_savings_before_discount,estimated_savings_percentage_after_discount,implementation_effort,last_refresh_timestamp,recommendation_id,recommendation_lookback_period_in_days,recommendation_source,recommended_resource_summary,region,resource_arn,restart_needed,rollback_possible,tags\n")
	for i := range n {
		fmt.Fprintf(&b, `%012d,shop,Upgrade,USD,"{""ebsVolume"":{""configuration"":{""storage"":{""type"":""gp2""}}}}",gp2,EbsVolume,%d.56,%d.64,%d.80,20.0,Low,2026-03-18T13:03:20Z,id-%d,14,ComputeOptimizer,gp3,us-east-1,arn:aws:ec2:us-east-1:%012d:volume/vol-%017x,false,true,"{""team"":""shop""}"`+"\n", i%40, i%900, i%300, i%300, i, i%40, i)
	}
	return b.Bytes()
}

func webhookBody(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		if i%50 == 0 {
			if i > 0 {
				b.WriteString("]}\n")
			}
			b.WriteString(`{"receiver":"cxm","status":"firing","version":"4","externalURL":"https://alerts.example.com","truncatedAlerts":0,"alerts":[`)
		} else {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"status":"firing","labels":{"alertname":"DiskFull","severity":"warning","namespace":"shop","pod":"db-%d","instance":"10.0.0.%d:9100"},"annotations":{"summary":"Disk almost full","description":"Less than 5%% left."},"startsAt":"2026-03-18T13:03:20.876Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://prometheus.example.com/graph?g0.expr=up","fingerprint":"%016x"}`, i, i%250, i)
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

func eventBatch(n int) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"%d","source":"https://scanner.example.com","type":"com.example.finding.observed.v1","subject":"disk-%d","time":"2026-03-18T13:03:20Z","data":{"Title":"Delete disk-%d","Kind":"cost","SourceRuleId":"idle-disk","EstimatedMonthlySavings":"%d.25","BillingCurrency":"EUR","SubAccountId":"shop","RegionId":"eu-central-1","Tags":{"team":"shop"}}}`, i, i, i, i%100)
	}
	b.WriteByte(']')
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name string
		t    Type
		text []byte
	}{
		{"hub", CostOptimizationHub, hubPage(10_000)},
		{"hub export", CostOptimizationHub, hubExport(10_000)},
		{"alertmanager", Alertmanager, webhookBody(10_000)},
		{"cloudevents", CloudEvents, eventBatch(10_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				if _, err := Read(c.t, []Input{{"bench", bytes.NewReader(c.text)}}, Options{}, func(*finding.Finding) error { n++; return nil }); err != nil || n != 10_000 {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkDecode decodes the bytes of the first reader alone, for the ratio.
func BenchmarkDecode(b *testing.B) {
	type item struct {
		AccountID   string              `json:"accountId"`
		Action      string              `json:"actionType"`
		Currency    string              `json:"currencyCode"`
		Current     string              `json:"currentResourceSummary"`
		Type        string              `json:"currentResourceType"`
		Cost        float64             `json:"estimatedMonthlyCost"`
		Savings     float64             `json:"estimatedMonthlySavings"`
		Effort      string              `json:"implementationEffort"`
		Refreshed   string              `json:"lastRefreshTimestamp"`
		ID          string              `json:"recommendationId"`
		Lookback    int                 `json:"recommendationLookbackPeriodInDays"`
		Recommended string              `json:"recommendedResourceSummary"`
		Region      string              `json:"region"`
		ARN         string              `json:"resourceArn"`
		ResourceID  string              `json:"resourceId"`
		Restart     bool                `json:"restartNeeded"`
		Rollback    bool                `json:"rollbackPossible"`
		Source      string              `json:"source"`
		Tags        []map[string]string `json:"tags"`
	}
	text := hubPage(10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var page struct {
			Items []item `json:"items"`
		}
		if err := json.UnmarshalRead(io.Reader(bytes.NewReader(text)), &page); err != nil || len(page.Items) != 10_000 {
			b.Fatal(err)
		}
	}
}
