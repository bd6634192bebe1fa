package setting

import (
	"cxm/internal/rule/owner"
	"cxm/internal/rule/rulebook/form"
)

// Links reads one link of the chain that finds owners.
func Links() form.Value[owner.Link] {
	return form.Object(
		form.At("source", form.Choice(owner.Map, owner.Tags, owner.Accounts, owner.Code, owner.CodeOwners, owner.Authors, owner.Default), func(l *owner.Link) *owner.Source { return &l.Source }, "map: resources by name. tags: tags of the resource. accounts: its account. code: the repository that declares it. codeowners: its CODEOWNERS. authors: who changed the file. default: the rest.").Required(),
		form.At("owners", mappings(), func(l *owner.Link) *[]owner.Mapping { return &l.Owners }, "Patterns with their owners, of resources, accounts or repositories; * stands for anything."),
		form.At("tags", form.Some(form.Text()), func(l *owner.Link) *[]string { return &l.Tags }, "The names of the tags that hold an owner, in order."),
		form.At("prefix", form.Text(), func(l *owner.Link) *string { return &l.Prefix }, "What Yor was told to put before its tags."),
		form.At("owner", form.Text(), func(l *owner.Link) *string { return &l.Owner }, "Who owns the rest."),
	)
}

func mappings() form.Value[[]owner.Mapping] {
	return form.Parsed(form.Names(form.Text()), func(named []form.Named[string]) ([]owner.Mapping, error) {
		var out []owner.Mapping
		for _, each := range named {
			out = append(out, owner.Mapping{Pattern: each.Name, Owner: each.Value})
		}
		return out, nil
	})
}

// People reads who is called what in GitLab.
func People() form.Value[map[string]string] {
	return form.Parsed(form.Names(form.Text()), func(named []form.Named[string]) (map[string]string, error) {
		out := map[string]string{}
		for _, each := range named {
			out[each.Name] = each.Value
		}
		return out, nil
	})
}
