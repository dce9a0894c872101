"""The models that can be measured, each behind the protocol `eval.models.model.Model`."""
