package hub

import (
	"strconv"
	"strings"
	"unicode"

	"cxm/internal/finding"
	"cxm/internal/source/record"
)

// What a recommendation of Cost Optimization Hub says to a person.

// console is where a person sees the recommendations.
const console = "https://console.aws.amazon.com/costmanagement/home#/cost-optimization-hub"

// fill makes f what the record says, without key and currency.
func (rec *recommendation) fill(f *finding.Finding, lookback int, micros int64) {
	name, service := kindOf(rec.resourceType)
	id := rec.resource()
	*f = finding.Finding{
		Kind: finding.Cost, SourceSystem: "aws.cost-optimization-hub", FindingClass: finding.CostOptimization, SourceURL: console,
		SourceFindingID: rec.id, SourceRuleID: rec.resourceType + "." + rec.actionType,
		Title: rec.title(name), Description: rec.why(name, lookback), Remediation: rec.remedy(), ActionType: rec.actionType,
		SeverityID:   severityOf(micros),
		ProviderName: "AWS", SubAccountID: rec.account, SubAccountName: rec.accountName, RegionID: rec.region, ServiceName: service,
		ResourceID: id, ResourceName: rec.tags["Name"], ResourceType: rec.resourceType, Tags: rec.tags,
		EstimatedMonthlySavings: rec.savings.Value, EstimatedMonthlySavingsAlt: rec.other.Value, EstimatedMonthlyCost: rec.cost.Value, SavingsBasis: rec.basis,
		ImplementationEffort: rec.effort, RestartNeeded: rec.restart, RollbackPossible: rec.rollback, LookbackDays: lookback,
		SourceUpdatedAt: rec.refreshed, Detection: finding.Present,
	}
	if id != "" {
		f.ResourceAliases = finding.Aliases(id, rec.resourceID)
	}
	if rec.savings.Value.Valid {
		f.SourceAmount = &finding.SourceAmount{Value: rec.savings.Text, Unit: "per month"}
	}
}

// severityOf grades monthly savings in whatever currency they are: from 10,000
// Critical, from 1,000 High, from 100 Medium, from 1 Low, below Informational;
// unknown is Low. It takes them in millionths, -1 when unknown.
func severityOf(micros int64) finding.Severity {
	const one = 1_000_000
	switch {
	case micros < 0:
		return finding.Low
	case micros >= 10_000*one:
		return finding.Critical
	case micros >= 1_000*one:
		return finding.High
	case micros >= 100*one:
		return finding.Medium
	case micros >= one:
		return finding.Low
	}
	return finding.Informational
}

// title is the action, the resource and the change: "Upgrade EBS volume
// vol-0123 from gp2 to gp3".
func (rec *recommendation) title(name string) string {
	if rec.resource() == "" {
		region := ""
		if rec.region != "" {
			region = " in " + rec.region
		}
		return record.OneLine(rec.verb() + " " + name + " for account " + rec.account + region)
	}
	title := rec.verb() + " " + name + " " + rec.resourceLabel()
	change := ""
	if rec.current != "" && rec.recommended != "" && rec.current != rec.recommended {
		change = " from " + rec.current + " to " + rec.recommended
	}
	switch rec.actionType {
	case "Stop", "Delete":
		return record.OneLine(title)
	case "MigrateToGraviton":
		title += " to Graviton"
		if change != "" {
			title += ","
		}
	}
	return record.OneLine(title + change)
}

// resourceLabel is the short id, which a Data Export gives only as the end of
// the ARN: volume/vol-0123, function:resize, service/cluster/name.
func (rec *recommendation) resourceLabel() string {
	if rec.resourceID != "" && !strings.HasPrefix(rec.resourceID, "arn:") {
		return rec.resourceID
	}
	parts := strings.SplitN(rec.resource(), ":", 6)
	label := parts[len(parts)-1]
	if _, group, ok := strings.Cut(label, ":autoScalingGroupName/"); ok {
		return group
	}
	return label[strings.IndexAny(label, ":/")+1:]
}

// verb is the action for a person.
func (rec *recommendation) verb() string {
	switch rec.actionType {
	case "":
		return "Review"
	case "MigrateToGraviton":
		return "Migrate"
	case "ScaleIn":
		return "Scale in"
	case "PurchaseSavingsPlans", "PurchaseReservedInstances", "PurchaseReservedCapacity":
		return "Purchase"
	}
	return words(rec.actionType)
}

// why is a sentence or two on the reasons. Percentages are rounded, so that the
// text does not change with every refresh.
func (rec *recommendation) why(name string, lookback int) string {
	var b strings.Builder
	switch rec.origin {
	case "ComputeOptimizer":
		b.WriteString("AWS Compute Optimizer")
	case "CostExplorer":
		b.WriteString("AWS Cost Explorer")
	default:
		b.WriteString("AWS Cost Optimization Hub")
	}
	if lookback > 0 {
		b.WriteString(", after looking at " + strconv.Itoa(lookback) + " days of use,")
	}
	b.WriteString(" found that " + rec.reason(name) + ".")
	if rec.purchase() && rec.recommended != "" {
		b.WriteString(" Recommended: " + record.OneLine(rec.recommended) + ".")
	}
	if percent, err := strconv.ParseFloat(rec.percent, 64); err == nil && percent >= 1 && percent <= 100 {
		b.WriteString(" The saving is about " + strconv.Itoa(int(percent+0.5)) + " % of its cost.")
	}
	return b.String()
}

// reason is what was found, for an action.
func (rec *recommendation) reason(name string) string {
	switch rec.actionType {
	case "Rightsize":
		return "this " + name + " is larger than its use needs"
	case "Stop", "Delete":
		return "this " + name + " is idle"
	case "Upgrade":
		return "a newer kind of this " + name + " does the same for less"
	case "MigrateToGraviton":
		return "this " + name + " does the same for less on AWS Graviton processors"
	case "ScaleIn":
		return "this " + name + " runs more capacity than its use needs"
	}
	if rec.purchase() {
		return "steady use is paid at on-demand prices, which " + name + " would lower"
	}
	return "this " + name + " costs more than it has to"
}

// remedy is the command that does it, where that is certain. Ids come from
// outside, so they are written into a command only in the one form AWS gives
// them.
func (rec *recommendation) remedy() string {
	id, region := rec.resourceLabel(), rec.region
	id = id[strings.LastIndexByte(id, '/')+1:]
	if !plain(id) || !plain(region) {
		return ""
	}
	upgrade := rec.actionType == "Upgrade" && rec.current == "gp2" && rec.recommended == "gp3"
	switch do := rec.actionType + " " + rec.resourceType; {
	case region == "":
		return ""
	case upgrade && rec.resourceType == "EbsVolume" && strings.HasPrefix(id, "vol-"):
		return "The change is made while the volume is in use:\naws ec2 modify-volume --region " + region + " --volume-id " + id + " --volume-type gp3"
	case do == "Delete EbsVolume" && strings.HasPrefix(id, "vol-"):
		return "Keep a snapshot if the data may be wanted again, then delete the volume:\naws ec2 create-snapshot --region " + region + " --volume-id " + id +
			"\naws ec2 delete-volume --region " + region + " --volume-id " + id
	case do == "Stop Ec2Instance" && strings.HasPrefix(id, "i-"):
		return "aws ec2 stop-instances --region " + region + " --instance-ids " + id
	case do == "Delete NatGateway" && strings.HasPrefix(id, "nat-"):
		return "Check that no route table uses the gateway, then delete it:\naws ec2 delete-nat-gateway --region " + region + " --nat-gateway-id " + id
	}
	return ""
}

// plain says whether an id has only the characters of AWS ids and regions:
// nothing a shell would do something with.
func plain(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(id) <= 64
}

// kindOf is a resource type for a person, and the AWS service it is billed
// under as FOCUS names it ("" when that is not certain).
//
//nolint:funlen // a table, and nothing is easier to read for being cut in two
func kindOf(resourceType string) (name, service string) {
	const (
		ec2   = "Amazon Elastic Compute Cloud"
		rds   = "Amazon Relational Database Service"
		cache = "Amazon ElastiCache"
		dynam = "Amazon DynamoDB"
	)
	switch resourceType {
	case "Ec2Instance":
		return "EC2 instance", ec2
	case "Ec2AutoScalingGroup":
		return "EC2 Auto Scaling group", ec2
	case "EbsVolume":
		return "EBS volume", ec2
	case "NatGateway":
		return "NAT gateway", ec2
	case "Ec2ReservedInstances":
		return "EC2 Reserved Instances", ec2
	case "LambdaFunction":
		return "Lambda function", "AWS Lambda"
	case "EcsService":
		return "ECS service", "Amazon Elastic Container Service"
	case "RdsDbInstance":
		return "RDS DB instance", rds
	case "RdsDbInstanceStorage":
		return "storage of RDS DB instance", rds
	case "AuroraDbClusterStorage":
		return "storage of Aurora DB cluster", rds
	case "RdsReservedInstances":
		return "RDS Reserved Instances", rds
	case "ElastiCacheCluster":
		return "ElastiCache cluster", cache
	case "ElastiCacheReservedInstances":
		return "ElastiCache reserved nodes", cache
	case "DynamoDBTable":
		return "DynamoDB table", dynam
	case "DynamoDbReservedCapacity":
		return "DynamoDB reserved capacity", dynam
	case "MemoryDBCluster":
		return "MemoryDB cluster", "Amazon MemoryDB"
	case "MemoryDbReservedInstances":
		return "MemoryDB reserved nodes", "Amazon MemoryDB"
	case "DocumentDBCluster":
		return "DocumentDB cluster", "Amazon DocumentDB (with MongoDB compatibility)"
	case "OpenSearchReservedInstances":
		return "OpenSearch Reserved Instances", "Amazon OpenSearch Service"
	case "RedshiftReservedInstances":
		return "Redshift reserved nodes", "Amazon Redshift"
	case "WorkSpaces":
		return "WorkSpace", "Amazon WorkSpaces"
	case "SageMakerEndpoint":
		return "SageMaker endpoint", "Amazon SageMaker"
	case "Ec2InstanceSavingsPlans":
		return "EC2 Instance Savings Plans", ""
	case "ComputeSavingsPlans":
		return "Compute Savings Plans", ""
	case "SageMakerSavingsPlans":
		return "SageMaker Savings Plans", ""
	}
	return words(resourceType), ""
}

// words splits CamelCase: "FsxFileSystem" is "Fsx file system".
func words(camel string) string {
	var b strings.Builder
	var before rune
	for i, c := range camel {
		switch {
		case i > 0 && unicode.IsUpper(c) && unicode.IsLower(before):
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(c))
		default:
			b.WriteRune(c)
		}
		before = c
	}
	return b.String()
}
