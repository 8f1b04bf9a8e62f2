# Terraform: the function behind a function URL, with keys in SSM Parameter Store.
#
#   make zip
#   terraform -chdir=deploy init && terraform -chdir=deploy apply

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "parameter_name" {
  type        = string
  default     = "/stashring/keys"
  description = "The SecureString parameter that holds {\"current\":\"sig_...\",\"next\":\"sig_...\"}."
}

variable "kms_key_arn" {
  type        = string
  default     = ""
  description = "The ARN of the customer key that encrypts the parameter. Empty for the account's own alias/aws/ssm."
}

variable "upstream_url" {
  type        = string
  default     = ""
  description = "Where verified deliveries go. Empty to have them logged and answered."
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  zip = "${path.module}/../dist/stashring-arm64.zip"
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "keys" {
  statement {
    actions   = ["ssm:GetParameters"]
    resources = ["arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:parameter${var.parameter_name}"]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == "" ? [] : [var.kms_key_arn]
    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["ssm.${data.aws_region.current.name}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "function" {
  name_prefix        = "stashring-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "keys" {
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.keys.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "stashring" {
  function_name    = "stashring"
  role             = aws_iam_role.function.arn
  filename         = local.zip
  source_code_hash = filebase64sha256(local.zip)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = 30

  environment {
    variables = merge(
      {
        STASHRING_KEYS       = "ssm:${var.parameter_name}"
        STASHRING_LOG_FORMAT = "json"
      },
      var.upstream_url == "" ? {} : { STASHRING_UPSTREAM = var.upstream_url },
    )
  }
}

# The guard is the authorization: it judges every request.
resource "aws_lambda_function_url" "stashring" {
  function_name      = aws_lambda_function.stashring.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "url" {
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.stashring.function_name
  function_url_auth_type = "NONE"
  principal              = "*"
}

output "function_url" {
  description = "Give this URL to QStash."
  value       = aws_lambda_function_url.stashring.function_url
}
