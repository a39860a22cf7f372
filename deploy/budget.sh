# Shared by deploy.sh and destroy.sh: the budget, reported by mail.
# shellcheck shell=bash
# It is not in the template: CloudFormation can change neither its address nor its name without making a second budget of the
# same name, which is refused; and the type is unknown in some regions. A budget belongs to the account, not to a region.

budget_name() { say "tintype budget of $stack in $region"; }

# Budgets are not offered in AWS GovCloud.
has_budget() {
	if [ "$partition" = aws-us-gov ]; then return 1; fi
	found budgets describe-budget --account-id "$account" --budget-name "$(budget_name)" --query Budget.BudgetName
}

remove_budget() {
	if has_budget; then call budgets delete-budget --account-id "$account" --budget-name "$(budget_name)"; fi
}

# A dollar a month, reported to one address; credits are not subtracted, or an account that has any would show no costs.
make_budget() {
	local subscribers="\"Subscribers\": [{\"SubscriptionType\": \"EMAIL\", \"Address\": \"$1\"}]"
	cat >"$scratch/budget.json" <<-END
	{
	  "AccountId": "$account",
	  "Budget": {
	    "BudgetName": "$(budget_name)", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "1", "Unit": "USD"},
	    "CostTypes": {"IncludeCredit": false, "IncludeRefund": false}
	  },
	  "NotificationsWithSubscribers": [
	    {"Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80, "ThresholdType": "PERCENTAGE"}, $subscribers},
	    {"Notification": {"NotificationType": "FORECASTED", "ComparisonOperator": "GREATER_THAN", "Threshold": 100, "ThresholdType": "PERCENTAGE"}, $subscribers}
	  ]
	}
	END
	call budgets create-budget --cli-input-json "file://$scratch/budget.json"
}
