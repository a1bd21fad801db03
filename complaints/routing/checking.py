"""What is wrong with a version of the routing rules: said before it is published."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from complaints.models import RoutingRule
from complaints.routing import contradicting, cover, words
from complaints.routing.cover import Box, World
from complaints.routing.engine import rules_of
from complaints.routing.matching import normals, wanted
from complaints.routing.row_checks import Known, of_rule
from config.kernel.models import RuleSet
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from config.shared.words import listed


def check(rule_set: RuleSet) -> list[Finding]:
    """Return the remarks on a version; errors block publishing. A fixed number of queries."""
    rules = rules_of(rule_set)
    used = [rule for rule in rules if rule.active]
    known = Known.read(rules)
    world = known.world(used)
    found = [finding for rule in used for finding in of_rule(rule, known)]
    found += _fallback(used, world)
    found += [_unreachable(rule, by) for rule, by in unreachable(used, world)]
    return [*found, *contradicting.against_duties(used)]


def unreachable_codes(rules: Sequence[RoutingRule]) -> list[str]:
    """Return the codes of rules that no case can ever reach; three queries."""
    used = [rule for rule in rules if rule.active]
    known = Known.read(used)
    return [rule.code for rule, _by in unreachable(used, known.world(used))]


def unreachable(
    rules: Sequence[RoutingRule], world: World
) -> Iterator[tuple[RoutingRule, list[RoutingRule]]]:
    """Yield rules that no case can reach, with the rules above that take all of theirs.

    Exact over codes, severities, flags and amounts; a rule above with keywords or product names
    counts only where the lower one asks for the same.
    """
    for place, rule in enumerate(rules):
        box = world.box(rule.conditions)
        if box is None:
            yield rule, []
            continue
        above = rules[:place]
        if (floor := _raised_past(rule, box, above, world)) is not None:
            yield rule, [floor]
            continue
        takers = [
            (earlier, parts)
            for earlier in above
            if not earlier.goes_on
            and _implied(earlier, rule)
            and not _may_differ(earlier, rule, rules)
            and (parts := _captured(earlier, world))
        ]
        try:
            by = _takers(box, takers)
        except cover.TooMany:
            continue
        if by:
            yield rule, by


def _takers(box: Box, takers: Sequence[tuple[RoutingRule, list[Box]]]) -> list[RoutingRule]:
    """Return the rules that take all cases of a box: one alone if there is one, else together."""
    for rule, parts in takers:
        if cover.is_covered(box, parts):
            return [rule]
    everything = [part for _rule, parts in takers for part in parts]
    if everything and cover.is_covered(box, everything):
        return [rule for rule, parts in takers if any(all(box[s] & p[s] for s in p) for p in parts)]
    return []


def _captured(rule: RoutingRule, world: World) -> list[Box]:
    box = world.box(rule.conditions)
    return [] if box is None else world.captured(box, rule.department)


def _implied(earlier: RoutingRule, rule: RoutingRule) -> bool:
    """Tell whether the endless conditions of an earlier rule hold wherever those of `rule` do."""
    above, below = earlier.conditions, rule.conditions
    any_above = set(normals(wanted(above.get("keywords_any"))))
    all_above = set(normals(wanted(above.get("keywords_all"))))
    any_below = set(normals(wanted(below.get("keywords_any"))))
    all_below = set(normals(wanted(below.get("keywords_all"))))
    any_holds = bool(all_below & any_above) or (bool(any_below) and any_below <= any_above)
    if any_above and not any_holds:
        return False
    if not all_above <= all_below:
        return False
    prefixes = [str(x) for x in wanted(above.get("products"))]
    asked = [str(x) for x in wanted(below.get("products"))]
    covered = bool(asked) and all(any(x.startswith(p) for p in prefixes) for x in asked)
    return not prefixes or covered


def _may_differ(earlier: RoutingRule, rule: RoutingRule, rules: Sequence[RoutingRule]) -> bool:
    """Tell whether a floor between two rules lets them see different severities."""
    if not wanted(earlier.conditions.get("severities")):
        return False
    between = rules[rules.index(earlier) : rules.index(rule)]
    return any(one.goes_on and one.severity_floor for one in between)


def _raised_past(
    rule: RoutingRule, box: Box, above: Sequence[RoutingRule], world: World
) -> RoutingRule | None:
    """Return the rule that raises every case of this one beyond the severities it asks for."""
    severities = [n for n in wanted(rule.conditions.get("severities")) if isinstance(n, int)]
    for earlier in above if severities else ():
        floor = earlier.severity_floor or 0
        passes = floor > max(severities) and not wanted(earlier.conditions.get("severities"))
        raised = world.box(earlier.conditions) if passes and earlier.goes_on else None
        if raised is not None and _implied(earlier, rule) and cover.is_covered(box, [raised]):
            return earlier
    return None


def _fallback(rules: Sequence[RoutingRule], world: World) -> Iterator[Finding]:
    """Yield an error when some case would be sent nowhere."""
    raises = any(rule.goes_on and rule.severity_floor for rule in rules)
    covers = [
        part
        for rule in rules
        if not rule.goes_on
        and not any(wanted(rule.conditions.get(key)) for key in cover.SOFT)
        and not (raises and wanted(rule.conditions.get("severities")))
        for part in _captured(rule, world)
    ]
    try:
        caught = cover.is_covered(world.full(), covers)
    except cover.TooMany:
        caught = False
    if not caught:
        yield Finding(
            ERROR,
            "no_catch_all",
            "",
            _("Some cases would go nowhere. End with a rule for every case and one department."),
        )


def _unreachable(rule: RoutingRule, by: Sequence[RoutingRule]) -> Finding:
    told = {"rule": words.name_of(rule), "others": listed(words.name_of(x) for x in by)}
    if not by:
        text = _("No case can ever meet the conditions of rule “%(rule)s”. Correct or remove it.")
    elif by[0].goes_on:
        text = _(
            "Rule “%(rule)s” is never reached: “%(others)s” raises the severity past what it asks."
        )
    else:
        text = _(
            "Rule “%(rule)s” is never reached: %(others)s above take all of its cases."
            " Move it up or remove it."
        )
    other = by[0].code if by else ""
    return Finding(WARNING, "unreachable", rule.code, text % told, other)
